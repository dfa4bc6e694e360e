# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written in two places says the same in both, and nothing is written that must not be."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ROLES = sorted(path.parent.parent for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.exists() else None


def own_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def collections_used(*folders: str) -> set[str]:
    """Of namespaces other than ansible.builtin and our own, from fully qualified names of modules, plugins and imports."""
    name = re.compile(r"(?:ansible_collections\.)?\b((?:amazon|community|ansible)\.[a-z_]+)\.[a-z_]+")
    files = [path for path in own_files() if path.relative_to(ROOT).parts[0] in folders and path.suffix in (".yml", ".py", ".cfg")]
    found = {match for path in files for match in name.findall(path.read_text())}
    return {match for match in found if match.startswith(("amazon.", "community.")) or match in ("ansible.posix", "ansible.utils")}


def test_every_role_has_argument_specs() -> None:
    assert [role.name for role in ROLES] == sorted(path.name for path in ROOT.glob("roles/*") if path.is_dir())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_are_the_options_in_the_same_order(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml") or {}
    options = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert list(defaults) == [name for name, option in options.items() if name in defaults or not option.get("required")]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_stated_default_is_the_default(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml") or {}
    options = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    literal = {name: value for name, value in defaults.items() if "{{" not in str(value)}  # others follow the portal definition
    stated = {name: option["default"] for name, option in options.items() if "default" in option and name in literal}
    assert stated == {name: literal[name] for name in stated}


def test_the_action_group_lists_every_module() -> None:
    modules = sorted(path.stem for path in ROOT.glob("plugins/modules/*.py"))
    assert load(ROOT / "meta" / "runtime.yml")["action_groups"]["scaling"] == modules


def test_requirements_name_the_dependencies_of_the_collection() -> None:
    required = {entry["name"]: entry["version"] for entry in load(ROOT / "requirements.yml")["collections"]}
    assert required == load(ROOT / "galaxy.yml")["dependencies"]


def test_dependencies_are_the_collections_in_use() -> None:
    assert collections_used("roles", "playbooks", "plugins", "inventory", "ansible.cfg") == set(load(ROOT / "galaxy.yml")["dependencies"])


def test_the_execution_environment_has_what_a_controller_needs() -> None:
    def packages(path: str) -> set[str]:
        return {line.split("#")[0].strip() for line in (ROOT / path).read_text().splitlines()} - {""}

    assert packages("meta/ee-requirements.txt") == {line for line in packages("requirements.txt") if not line.startswith("ansible-core")}


FORBIDDEN = {
    "a package registry's host: users have mirrors, tools have settings": "|".join(
        re.escape("".join(parts))
        for parts in [("pypi.", "org"), ("python", "hosted.org"), ("galaxy.", "ansible.com"), ("maven.", "apache.org"), ("repo1.", "maven")]
    ),
    "a path of the machine it was written on": r"/(?:work/(?:main|shared)|root/\.\w|home/\w)",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE " + "KEY-----",
    "an access key (the lab's own begin with AKIALAB)": r"\b(?:AKIA|ASIA)(?!LAB)[0-9A-Z]{16}\b",
    "a secret": r"""(?i)(?:password|secret|token)\w*["']?\s*[:=]\s*["'](?=[^"']*\d)[A-Za-z0-9+/=_]{12,}["']""",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_contains(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    exempt = {ROOT / "LICENSE", ROOT / "requirements" / "dev.lock"}
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in own_files()
        if path not in exempt
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, "\n".join([f"{what}:", *found])
