# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the directory that a Keycloak distribution is unpacked to."""

from __future__ import annotations

import os
import re

SERVER_JAR = re.compile(r"^org\.keycloak\.keycloak-quarkus-server-(\d[\w.]*)\.jar$")


def read(path: str) -> str | None:
    """The file's text, or None where there is no file."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def find_version(home: str) -> str | None:
    """The release, by version.txt or by the name of the server's library; None where no Keycloak is."""
    match = re.search(r"\d+\.\d+[\w.]*", read(os.path.join(home, "version.txt")) or "")
    if match:
        return match.group()
    folder = os.path.join(home, "lib", "lib", "main")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return next((match.group(1) for match in map(SERVER_JAR.match, names) if match), None)
