# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory and portal definition of the lab: the shipped examples, with the few settings that must differ."""

from __future__ import annotations

import copy
import shutil
from typing import Any

import yaml

from lab import artifacts, pki
from lab.settings import ROOT, Lab

SHIPPED = ROOT / "inventory"
DEFINITION = "group_vars/all/portal.yml"


def write(lab: Lab) -> None:
    target = lab.state / "inventory"
    shutil.copytree(SHIPPED, target, dirs_exist_ok=True)
    merged = merge(yaml.safe_load((SHIPPED / DEFINITION).read_text()), differences(lab))
    (target / DEFINITION).write_text("---\n" + yaml.safe_dump(merged, sort_keys=False))


def change(lab: Lab, name: str, settings: dict[str, Any]) -> None:
    """What an operator does: other settings in a file of group_vars/all. The portal's are merged, those of another file replaced."""
    path = lab.state / "inventory" / "group_vars" / "all" / f"{name}.yml"
    whole = merge(yaml.safe_load(path.read_text()), {name: settings}) if name == "portal" else settings
    path.write_text("---\n" + yaml.safe_dump(whole, sort_keys=False))


def differences(lab: Lab) -> dict[str, Any]:
    archive = f"{lab.node_api_url}/{artifacts.BUCKET}/{artifacts.KEYCLOAK.file}"
    keycloak = {"archive": archive, "release": artifacts.KEYCLOAK.version}
    return {"portal": {"ca_files": [str(pki.authority(lab).ca_file)], "keycloak": keycloak}}


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for key, value in changes.items():
        merged[key] = merge(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged
