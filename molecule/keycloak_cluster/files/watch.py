# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes once a second what each of the addresses answers, as a JSON object a line, until the file STOP exists."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

LOG, STOP = Path("/root/watch.log"), Path("/root/watch.stop")


def answer(address: str) -> str:
    """A node that becomes coordinator because the other stopped says 503 for 60 ms (measured): what is not ready is looked at again."""
    said = look(address)
    if said == "200":
        return said
    time.sleep(0.3)
    return look(address)


def look(address: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}:9000/health/ready", timeout=3) as said:
            return str(said.status)
    except OSError as error:
        return str(error)


def main(addresses: list[str]) -> None:
    with LOG.open("w", encoding="utf-8") as log:
        while not STOP.exists():
            print(json.dumps({address: answer(address) for address in addresses}), file=log, flush=True)
            time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1:])
