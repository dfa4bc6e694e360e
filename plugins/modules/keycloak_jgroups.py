#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_jgroups
short_description: Clustering configuration of one Keycloak home
version_added: 0.1.0
description:
  - Writes what C(keycloak.conf) has to say so that nodes form one cluster, in the spelling that the release understands.
  - Owns the options C(cache), C(cache-*) and C(spi-cache-embedded-*). They stand in one marked block.
    Where they stand outside it they are removed.
  - Restarts nothing. RV(update_policy) says whether nodes can be restarted one by one or have to be stopped all at once first.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - ansible.builtin.files
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
attributes:
  check_mode:
    support: full
    details:
      - Also where the file does not exist yet.
  diff_mode:
    support: full
    details:
      - Shows the module's own lines only, because the rest of the file holds passwords.
  idempotent:
    support: full
options:
  home:
    description: Home of Keycloak. O(home) or O(conf_file) is required.
    type: path
  conf_file:
    description: The file to write, if it is not C(conf/keycloak.conf) below O(home).
    type: path
  compare_to:
    description:
      - The C(keycloak.conf) that is in force now, where the one that is written belongs to a new home.
        RV(update_policy) is about going from there to here.
      - Without it the file's own content before is what is compared with.
      - Names nothing that exists on a host where Keycloak never ran.
    type: path
  version:
    description: Release of Keycloak, at least 26.4. With V(auto) it is read from O(home).
    type: str
    default: auto
  state:
    description: V(absent) makes it a single node that knows of no others (C(cache=local)).
    type: str
    choices: [present, absent]
    default: present
  discovery:
    description:
      - How nodes find each other. V(jdbc_ping), through the database that they share anyway, is the only way not deprecated by Keycloak.
      - Others (C(udp), C(tcp), C(ec2), C(kubernetes), C(azure), C(google)) are refused with the reason.
    type: str
    default: jdbc_ping
  cluster_name:
    description:
      - Name of the cluster, from release 26.7 on. Nodes of different names on one database are different clusters,
        which do not hear of each other's changes.
      - A second cluster on the database of a live one needs a name of its own.
      - Without it the name is C(ISPN).
    type: str
    default: ''
  node_name:
    description: Name of this node, from release 26.7 on. Without it Keycloak makes one up at each start.
    type: str
    default: ''
  bind_address:
    description:
      - Address at which the other nodes reach this one, or one of Keycloak's words such as V(SITE_LOCAL), which is its default.
      - Loopback, link-local and container-bridge addresses are refused.
        So is an address that no interface has, unless O(external_address) is set.
    type: str
    default: ''
  bind_port:
    description: Port of the cluster. The failure detector listens 50000 above it. Both have to be open between the nodes.
    type: int
    default: 7800
  external_address:
    description: Address at which the others reach this node where its own is translated (a container that is not on the host's network).
    type: str
    default: ''
  external_port:
    description: Port that belongs to O(external_address), if it is not O(bind_port).
    type: int
    default: 0
  check_address:
    description: Whether to compare O(bind_address) with the interfaces of this host. Turn off to write a configuration for another host.
    type: bool
    default: true
  site_name:
    description: Availability zone. Copies of an entry are kept in different ones.
    type: str
    default: ''
  machine_name:
    description: Instance ID. Copies of an entry are kept on different ones.
    type: str
    default: ''
  mtls:
    description:
      - V(auto) encrypts the traffic between nodes with a certificate that Keycloak makes and renews in the database.
      - V(files) does so with stores of your own, which Keycloak reads again within two seconds of a change.
    type: str
    choices: [auto, files, disabled]
    default: auto
  key_store_file:
    description: With O(mtls=files), PKCS12 store of the node's certificate and key.
    type: str
    default: ''
  trust_store_file:
    description: With O(mtls=files), PKCS12 store of the authorities whose certificates the node accepts.
    type: str
    default: ''
  store_password:
    description: Of both stores.
    type: str
    default: ''
  mtls_rotation_days:
    description: Days after which that certificate is renewed. V(0) leaves Keycloak's default of 30.
    type: int
    default: 0
  max_counts:
    description:
      - Entries that a cache may hold, by its name. Names are V(realms), V(users), V(authorization), V(keys), V(crl), V(sessions),
        V(client_sessions), V(offline_sessions) and V(offline_client_sessions).
    type: dict
    default: {}
  peers:
    description: All nodes of the cluster, to find two of one name or address. This node may be among them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the node.
        type: str
        required: true
      address:
        description: Its address.
        type: str
        required: true
  java_opts:
    description: Options that Java is started with, to find those that Keycloak ignores or does not start with.
    type: str
    default: ''
  mode:
    description: Mode of the file. A new one is V(0600), because passwords may be in it.
  unsafe_writes:
    description: Not needed where the file is on the host's own disk.
"""

EXAMPLES = r"""
- name: Make the node a member of the cluster
  aiportal.scaling.keycloak_jgroups:
    home: /opt/keycloak
    cluster_name: aiportal
    node_name: aiportal-keycloak-1
    bind_address: 10.0.1.11
    site_name: eu-west-1a
    machine_name: i-0123456789abcdef0
  register: clustering

- name: Configure a new home and learn whether a rolling change leads there
  aiportal.scaling.keycloak_jgroups:
    home: /opt/keycloak-26.7.4-b
    compare_to: /opt/keycloak/conf/keycloak.conf
    cluster_name: aiportal
    bind_address: 10.0.1.11
  register: clustering
  failed_when: clustering is failed or clustering.update_policy == 'recreate'

- name: Make it a single node again
  aiportal.scaling.keycloak_jgroups:
    home: /opt/keycloak
    state: absent
"""

RETURN = r"""
conf_file:
  description: The file that is managed.
  returned: success
  type: str
  sample: /opt/keycloak/conf/keycloak.conf
version:
  description: Release that the options are written for.
  returned: success
  type: str
  sample: 26.7.4
effective:
  description: The options in the block. What is not there has Keycloak's default.
  returned: success
  type: dict
  sample:
    spi-cache-embedded--default--cluster-name: aiportal
    cache-embedded-network-bind-address: 10.0.1.11
removed:
  description: Options of this module's own that stood outside the block.
  returned: success
  type: list
  elements: str
  sample: [cache-stack]
update_policy:
  description:
    - V(none) where the configuration in force stays as it is, or nothing runs yet.
    - V(rolling) where nodes can be restarted one by one.
    - V(recreate) where all nodes have to be stopped before the first starts with the new configuration.
  returned: success
  type: str
  sample: recreate
rebuild_required:
  description: Whether options differ that C(kc.sh build) persists.
  returned: success
  type: bool
  sample: false
reasons:
  description: What leads to that policy.
  returned: success
  type: list
  elements: str
  sample: ["cluster name: ISPN -> aiportal"]
"""

import os
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils import _jgroups_config as config
from ansible_collections.aiportal.scaling.plugins.module_utils._host_addresses import inner_interface, is_local
from ansible_collections.aiportal.scaling.plugins.module_utils._jgroups_change import compare
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_conf import ConfError, parse, put_block
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_home import find_version, read

SETTINGS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "discovery": {"type": "str", "default": "jdbc_ping"},
    **{key: {"type": "str", "default": ""} for key in ("cluster_name", "node_name", "site_name", "machine_name")},
    **{key: {"type": "str", "default": ""} for key in ("bind_address", "external_address")},
    "bind_port": {"type": "int", "default": config.BIND_PORT},
    "external_port": {"type": "int", "default": 0},
    "mtls": {"type": "str", "choices": ["auto", "files", "disabled"], "default": "auto"},
    **{key: {"type": "str", "default": ""} for key in ("key_store_file", "trust_store_file")},
    "store_password": {"type": "str", "default": "", "no_log": True},
    "mtls_rotation_days": {"type": "int", "default": 0},
    "max_counts": {"type": "dict", "default": {}},
    "peers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "address": {"type": "str", "required": True}},
    },
    "java_opts": {"type": "str", "default": ""},
}
FILES: dict[str, dict[str, Any]] = {
    "home": {"type": "path"},
    "conf_file": {"type": "path"},
    "compare_to": {"type": "path"},
    "version": {"type": "str", "default": "auto"},
    "check_address": {"type": "bool", "default": True},
}


class Clustering:
    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        params = module.params
        self.home: str | None = params["home"]
        self.path = os.path.realpath(params["conf_file"] or os.path.join(self.home or "", "conf", "keycloak.conf"))
        self.compare_to: str | None = params["compare_to"]
        self.version = known_version(self.home) if params["version"] == "auto" else params["version"]
        chosen = {key: params[key] for key in SETTINGS}
        chosen["peers"] = [config.Peer(peer["name"], peer["address"]) for peer in params["peers"]]
        chosen["max_counts"] = whole_numbers(params["max_counts"])
        self.settings = config.Settings(**chosen)

    def run(self) -> dict[str, Any]:
        release = config.parse_version(self.version)
        config.validate(self.settings, release)
        if self.module.params["check_address"] and self.settings.state == "present":
            check_bind_address(self.settings)
        text = read(self.path)
        options = config.options(self.settings, release)
        edit = put_block(text or "", options, config.owned)
        change = compare(*self._in_force(text, edit.text))
        for warning in config.warnings(self.settings.java_opts):
            self.module.warn(warning)
        return {
            "changed": self._write(text, edit.text),
            "conf_file": self.path,
            "version": self.version,
            "effective": options,
            "removed": list(edit.strays),
            "update_policy": change.update_policy,
            "rebuild_required": change.rebuild_required,
            "reasons": list(change.reasons),
            "diff": {"before_header": self.path, "after_header": self.path, "before": edit.before, "after": edit.after},
        }

    def _in_force(self, text: str | None, new_text: str) -> tuple[dict[str, str] | None, dict[str, str], bool]:
        after = parse(new_text)
        active = read(self.compare_to) if self.compare_to else text
        before = None if active is None else parse(active)
        if before is None or not self.compare_to:
            return before, after, False
        folder = os.path.join(self.home, "conf") if self.home else os.path.dirname(self.path)
        contents = [
            read(os.path.join(place, conf.get("cache-config-file", "cache-ispn.xml")))
            for place, conf in ((os.path.dirname(self.compare_to), before), (folder, after))
        ]
        return before, after, None not in contents and contents[0] != contents[1]

    def _write(self, text: str | None, new_text: str) -> bool:
        changed = text != new_text
        if text is None and self.module.params["mode"] is None:
            self.module.params["mode"] = "0600"
        if changed and not self.module.check_mode:
            handle, temporary = tempfile.mkstemp(dir=self.module.tmpdir)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(new_text)
            self.module.atomic_move(temporary, self.path, unsafe_writes=self.module.params["unsafe_writes"])
        attributes = self.module.load_file_common_arguments(self.module.params, path=self.path)
        return self.module.set_fs_attributes_if_different(attributes, changed)


def known_version(home: str | None) -> str:
    if not home:
        raise config.ConfigError("version=auto is read from home: give home, or version")
    version = find_version(home)
    if not version:
        raise config.ConfigError(f"no Keycloak is in home={home}: correct home, or give version")
    return version


def whole_numbers(counts: dict[str, Any]) -> dict[str, int]:
    try:
        return {name: int(count) for name, count in counts.items()}
    except (TypeError, ValueError):
        raise config.ConfigError("max_counts must map names of caches to whole numbers") from None


def check_bind_address(settings: config.Settings) -> None:
    address = settings.bind_address
    if not config.is_ip(address) or settings.external_address:
        return
    if not is_local(address):
        raise config.ConfigError(f"bind_address={address} is on no interface of this host: give one that is, or set external_address")
    bridge = inner_interface(address)
    if bridge:
        raise config.ConfigError(f"bind_address={address} belongs to {bridge}, a network inside this host: give the host's in the VPC")


def main() -> None:
    module = AnsibleModule(
        argument_spec={**FILES, **SETTINGS},
        required_one_of=[["home", "conf_file"]],
        add_file_common_args=True,
        supports_check_mode=True,
    )
    try:
        module.exit_json(**Clustering(module).run())
    except (config.ConfigError, ConfError) as error:
        module.fail_json(msg=str(error))
    except (OSError, UnicodeDecodeError) as error:
        module.fail_json(msg=f"cannot read or write the configuration: {error}")


if __name__ == "__main__":
    main()
