# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes once a second which of the addresses serve, as a JSON list a line, until the file STOP exists."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

LOG, STOP = Path("/root/watch.log"), Path("/root/watch.stop")


def serves(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}:9000/health/ready", timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main(addresses: list[str]) -> None:
    with LOG.open("w", encoding="utf-8") as log:
        while not STOP.exists():
            print(json.dumps([address for address in addresses if serves(address)]), file=log, flush=True)
            time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1:])
