#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_host_info
short_description: What a host has of a Keycloak node
version_added: 0.1.0
description:
  - Reads in one go what the role P(aiportal.scaling.keycloak_cluster#role) decides by, so that what is done already costs no connection.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - aiportal.scaling._attributes.info_module
options:
  packages:
    description:
      - Packages of which the host is to have one, asked of dpkg or rpm, by the distribution that has it.
      - A key is C(ID) and C(VERSION_ID) of os-release(5) with a space between, or C(default) for every other distribution.
    type: dict
    default: {}
  user:
    description: A user of the system.
    type: str
  home:
    description: The home that is wanted.
    type: path
  current:
    description: The link to the home in use.
    type: path
    default: /opt/keycloak/current
  units:
    description: Units of systemd.
    type: list
    elements: str
    default: []
  certificate:
    description: A certificate in PEM.
    type: path
  certificate_days:
    description: Days for which O(certificate) has to be good.
    type: int
    default: 30
  compare:
    description: Files that are to be equal.
    type: list
    elements: dict
    default: []
    suboptions:
      wanted:
        description: As it is wanted.
        type: path
        required: true
      active:
        description: As it is in effect.
        type: path
        required: true
"""

EXAMPLES = r"""
- name: Look at the host
  aiportal.scaling.keycloak_host_info:
    packages:
      debian 12: openjdk-17-jre-headless
      default: default-jre-headless
    user: keycloak
    home: /opt/keycloak/homes/26.7.4-0123abcd
    units: [keycloak.service]
    compare:
      - wanted: /etc/keycloak/keycloak.conf
        active: /opt/keycloak/current/conf/keycloak.conf
"""

RETURN = r"""
memory_mib:
  description: The host's memory.
  returned: success
  type: int
  sample: 3891
booted:
  description: Whether cloud-init has done the first boot, or is not there.
  returned: success
  type: bool
addresses:
  description: The host's IPv4 addresses at which others can reach it, without loopback and the networks that a container engine made.
  returned: success
  type: list
  elements: str
  sample: [10.0.1.11]
package:
  description: That of O(packages) which is this distribution's, empty where none is.
  returned: success
  type: str
  sample: openjdk-17-jre-headless
installed:
  description: Whether RV(package) is installed.
  returned: success
  type: bool
account:
  description: Home and shell of O(user), empty where there is no such user.
  returned: success
  type: str
  sample: /var/lib/keycloak:/usr/sbin/nologin
home:
  description: The O(home) that was asked about, to compare it among hosts.
  returned: success
  type: str
  sample: /opt/keycloak/homes/26.7.4-0123abcd
home_exists:
  description: Whether O(home) is there.
  returned: success
  type: bool
current:
  description: Where O(current) leads to, empty where it does not exist.
  returned: success
  type: str
  sample: /opt/keycloak/homes/26.7.4-0123abcd
units:
  description: For each unit C(active) and C(enabled), the C(ActiveState) and C(UnitFileState) of C(systemctl show).
  returned: success
  type: dict
  sample: {"keycloak.service": {"active": "active", "enabled": "enabled"}}
certificate_good:
  description: Whether O(certificate) is there and good for O(certificate_days).
  returned: success
  type: bool
differ:
  description: Those of O(compare), by their wanted path, that are not equal or not there.
  returned: success
  type: list
  elements: str
  sample: [/etc/keycloak/keycloak.conf]
"""

import os
import pwd
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._host_addresses import outer_addresses

ARGUMENTS: dict[str, dict[str, Any]] = {
    "packages": {"type": "dict", "default": {}},
    "user": {"type": "str"},
    "home": {"type": "path"},
    "current": {"type": "path", "default": "/opt/keycloak/current"},
    "units": {"type": "list", "elements": "str", "default": []},
    "certificate": {"type": "path"},
    "certificate_days": {"type": "int", "default": 30},
    "compare": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"wanted": {"type": "path", "required": True}, "active": {"type": "path", "required": True}},
    },
}
# cloud-init writes this when it has ended, well or not.
BOOTED = "/run/cloud-init/result.json"
CLOUD_INIT = "/usr/bin/cloud-init"
DAY = 86400


class Host:
    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params

    def look(self) -> dict[str, Any]:
        package = of_distribution(self.params["packages"], read("/etc/os-release").decode())
        return {
            "memory_mib": memory_mib(read("/proc/meminfo").decode()),
            "booted": os.path.exists(BOOTED) or not os.path.exists(CLOUD_INIT),
            "addresses": self._addresses(),
            "package": package,
            "installed": self._installed(package),
            "account": account(self.params["user"]),
            "home": self.params["home"] or "",
            "home_exists": bool(self.params["home"]) and os.path.isdir(self.params["home"]),
            "current": os.readlink(self.params["current"]) if os.path.islink(self.params["current"]) else "",
            "units": self._units(self.params["units"]),
            "certificate_good": self._good(self.params["certificate"], self.params["certificate_days"]),
            "differ": [pair["wanted"] for pair in self.params["compare"] if differ(pair["wanted"], pair["active"])],
        }

    def _addresses(self) -> list[str]:
        ip = self.module.get_bin_path("ip")
        return outer_addresses(self.module.run_command([ip, "-4", "-oneline", "address", "show"])[1]) if ip else []

    def _installed(self, package: str) -> bool:
        if not package:
            return False
        if dpkg := self.module.get_bin_path("dpkg-query"):
            code, output, dummy = self.module.run_command([dpkg, "--show", "--showformat=${db:Status-Status}", package])
            return bool(code == 0 and output == "installed")
        rpm = self.module.get_bin_path("rpm")
        return bool(rpm and self.module.run_command([rpm, "--query", package])[0] == 0)

    def _units(self, names: list[str]) -> dict[str, dict[str, str]]:
        unknown = {name: {"active": "unknown", "enabled": ""} for name in names}
        systemctl = self.module.get_bin_path("systemctl")
        if not (names and systemctl):
            return unknown
        code, output, dummy = self.module.run_command([systemctl, "show", "--property=Id,ActiveState,UnitFileState", "--", *names])
        return {**unknown, **units(output)} if code == 0 else unknown

    def _good(self, path: str | None, days: int) -> bool:
        openssl = self.module.get_bin_path("openssl")
        if not (path and openssl and os.path.exists(path)):
            return False
        return bool(self.module.run_command([openssl, "x509", "-noout", "-checkend", str(days * DAY), "-in", path])[0] == 0)


def of_distribution(packages: dict[str, str], os_release: str) -> str:
    values = dict(re.findall(r"""^(ID|VERSION_ID)=["']?([^"'\n]*)""", os_release, re.M))
    return packages.get(f"{values.get('ID')} {values.get('VERSION_ID')}", packages.get("default", ""))


def memory_mib(meminfo: str) -> int:
    found = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.M)
    return int(found.group(1)) // 1024 if found else 0


def account(name: str | None) -> str:
    try:
        found = pwd.getpwnam(name or "")
        return f"{found.pw_dir}:{found.pw_shell}"
    except KeyError:
        return ""


def units(output: str) -> dict[str, dict[str, str]]:
    """A block of lines for each unit, with an empty line between."""
    found = [dict(line.split("=", 1) for line in block.splitlines()) for block in output.strip().split("\n\n") if block]
    return {each["Id"]: {"active": each.get("ActiveState", "unknown"), "enabled": each.get("UnitFileState", "")} for each in found}


def differ(wanted: str, active: str) -> bool:
    try:
        return read(wanted) != read(active)
    except OSError:
        return True


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(changed=False, **Host(module).look())
    except OSError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
