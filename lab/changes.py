# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions of Keycloak for lab.rolling, made on the spot: a theme, and a provider that does not exist."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path


def theme(jar: Path) -> Path:
    themes = {"themes": [{"name": "rolling", "types": ["login"]}]}
    return _write(
        jar, {"META-INF/keycloak-themes.json": json.dumps(themes), "theme/rolling/login/theme.properties": "parent=keycloak.v2\n"}
    )


def broken_provider(jar: Path) -> Path:
    """It names a class that it does not hold."""
    return _write(jar, {"META-INF/services/org.keycloak.events.EventListenerProviderFactory": "rolling.DoesNotExist\n"})


def provider(jar: Path) -> dict[str, str]:
    """An element of keycloak_cluster_providers."""
    return {"src": str(jar), "checksum": hashlib.sha256(jar.read_bytes()).hexdigest()}


def _write(jar: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(jar, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # without the time of day: the same archive each time
    return jar
