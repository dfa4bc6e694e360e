# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input against the running lab: the playbook must say the sentence that names the variable, and must have asked AWS for no change."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from lab import life, settings
from lab.control_plane.recorder import is_read
from lab.refusal_cases import CASES, Case, make_certificates
from lab.settings import Lab


def main() -> int:
    lab = settings.load()
    if lab is None or not life.is_up(lab):
        print("the lab is not running; start it by `python -m lab up`", file=sys.stderr)
        return 1
    make_certificates()
    wanted = sys.argv[1:]
    cases = [case for case in CASES if not wanted or case.name in wanted]
    failed = [case.name for case in cases if not passes(lab, case)]
    print(f"refusals: {len(cases) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def passes(lab: Lab, case: Case) -> bool:
    calls = lab.state / "calls.jsonl"
    with tempfile.TemporaryDirectory() as folder, case.world(lab):
        write_inventory(lab, case, Path(folder))
        before = len(calls.read_text().splitlines())
        status, output = run(lab, folder, case)
        changes = [call for call in map(json.loads, calls.read_text().splitlines()[before:]) if changed_by_the_product(lab, call)]
    said = re.search(case.sentence, " ".join(output.split()))
    if status != 0 and said and not changes:
        print(f"ok      {case.name}: {sentence(output)}", flush=True)
        return True
    print(f"FAILED  {case.name}: status {status}, said {sentence(output)!r}, changes {[call['action'] for call in changes]}", flush=True)
    return False


def changed_by_the_product(lab: Lab, call: dict[str, Any]) -> bool:
    return call["access_key"] == lab.access_key and not is_read(call["action"])


def write_inventory(lab: Lab, case: Case, folder: Path) -> None:
    """The lab's inventory, with the definition and the filters of the case."""
    source = lab.state / "inventory"
    plugin = yaml.safe_load((source / "portal.aws_ec2.yml").read_text())
    plugin["filters"].update(case.filters or {})
    definition = copy.deepcopy(yaml.safe_load((source / "group_vars/all/portal.yml").read_text()))
    case.change(definition["portal"])
    (folder / "group_vars/all").mkdir(parents=True)
    (folder / "portal.aws_ec2.yml").write_text(yaml.safe_dump(plugin))
    (folder / "group_vars/all/portal.yml").write_text(yaml.safe_dump(definition))
    (folder / "group_vars/aws_ec2.yml").write_text((source / "group_vars/aws_ec2.yml").read_text())


def run(lab: Lab, inventory: str, case: Case) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("ansible-playbook")), f"playbooks/{case.playbook}.yml", "--inventory", inventory]
    environment = {**os.environ, **settings.user_environment(lab), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    done = subprocess.run(
        [*command, "--extra-vars", json.dumps(case.variables)],
        cwd=settings.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def sentence(output: str) -> str:
    """What Ansible says of the first failure."""
    found = re.search(r"\[ERROR\]: (?:Task failed: )?(?:Action failed: )?(?:Module failed: )?(.*)", output)
    return found.group(1)[:300] if found else output[-300:]


if __name__ == "__main__":
    sys.exit(main())
