# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster as keycloak_cluster_info sees it from all of its nodes: one verdict."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import STATES

from lab import pki, settings
from lab.portal import ADMIN_SECRET, DATABASE_SECRET, HOSTNAME, NAME, REALM
from lab.scenario import ScenarioError, ansible_playbook, environment
from lab.settings import Lab

FOLDER = settings.ROOT / "build" / "states"
CLIENT = "aiportal-scaling"  # keycloak_cluster_probe_client_id


@dataclass(frozen=True)
class Member:
    name: str
    address: str
    instance: str


@dataclass(frozen=True)
class Verdict:
    """What the module said on each node. A firewall may let one direction pass, so the worst of them counts."""

    seen: Mapping[str, Mapping[str, Any]]
    seconds: float = 0.0

    @property
    def state(self) -> str:
        return min((str(result["state"]) for result in self.seen.values()), key=STATES.index)

    @property
    def codes(self) -> list[str]:
        """The faults, then the notes."""
        found = [finding for result in self.seen.values() for finding in result["findings"]]
        return list(dict.fromkeys(finding["code"] for finding in sorted(found, key=lambda finding: not finding["state"])))

    @property
    def causes(self) -> list[str]:
        return list(dict.fromkeys(finding["cause"] for result in self.seen.values() for finding in result["findings"]))

    @property
    def coordinator(self) -> str | None:
        return next((result["coordinator"] for result in self.seen.values()), None)


@dataclass
class Looker:
    """Asks in the words of an operator: over SSH, with the secrets that the portal definition names."""

    lab: Lab
    allow_clusters: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    common: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        database, admin = (self._secret(name) for name in (DATABASE_SECRET, ADMIN_SECRET))
        instance = self.lab.client("rds").describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]
        self.common = {
            "ansible_user": "debian",
            "look_cluster_name": NAME,
            "look_database": {
                **database,
                "host": instance["Endpoint"]["Address"],
                "name": "keycloak",
                "ca_pem": pki.authority(self.lab).ca().certificate.decode(),
            },
            "look_probe": {**admin, "hostname": HOSTNAME, "realm": REALM, "client_id": CLIENT},
        }

    def look(self, members: Sequence[Member], wait: float = 0, probe: bool = True, allow: Sequence[str] = ()) -> Verdict:
        start = time.monotonic()
        process = self.begin(members, wait, probe, allow)
        said, dummy = process.communicate()
        (self._folder() / "variables.json").unlink()  # it holds passwords
        seen = results(said)
        for member in members:
            if "state" not in seen.get(member.name, {}):
                raise ScenarioError(f"the module failed on {member.name}: {seen.get(member.name, said[-1000:])}")
        return Verdict(seen, time.monotonic() - start)

    def begin(self, members: Sequence[Member], wait: float = 0, probe: bool = True, allow: Sequence[str] = ()) -> subprocess.Popen[str]:
        folder = self._folder()
        for old in folder.glob("*.json"):
            old.unlink()
        variables = {
            **self.common,
            "look_nodes": [{"name": member.name, "address": member.address} for member in members],
            "look_allow_clusters": [*self.allow_clusters, *allow],
            "look_wait_timeout": wait,
        }
        secret = self._write(folder / "variables.json", {**variables, **({} if probe else {"look_probe": {}})})
        hosts = {member.name: {"ansible_host": member.address} for member in members}
        inventory = self._write(folder / "inventory.yml", {"all": {"hosts": hosts}})
        command = [ansible_playbook(), "lab/look.yml", "--inventory", str(inventory), "--extra-vars", f"@{secret}"]
        environs = {**environment(self.lab), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", **self.environment}
        return subprocess.Popen(command, cwd=settings.ROOT, env=environs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def _secret(self, name: str) -> dict[str, str]:
        values: dict[str, str] = json.loads(self.lab.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        return {key: values[key] for key in ("username", "password")}

    @staticmethod
    def _folder() -> Path:
        folder = FOLDER / "look"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @staticmethod
    def _write(path: Path, content: Any) -> Path:
        path.touch(mode=0o600)
        path.write_text(json.dumps(content))
        return path


def results(said: str) -> dict[str, dict[str, Any]]:
    """What the one task of the playbook returned on each host; other callbacks may have their say after it."""
    begin = said.find("{\n")
    play = json.JSONDecoder().raw_decode(said[begin:])[0]["plays"] if begin >= 0 else []
    return {host: result for each in play for task in each["tasks"] for host, result in task["hosts"].items()}
