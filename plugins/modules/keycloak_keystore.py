#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_keystore
short_description: A PKCS12 store that Java reads, made of PEM
version_added: 0.1.0
description:
  - Makes a key store of a certificate and its key, or a trust store of authorities.
  - A PKCS12 file differs each time that it is made of the same things.
    So a digest of what it was made of lies beside it, in C(DEST.source), and a store is made anew when that differs.
  - Replaced in one step, because a server that watches the file must never read half of it.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - ansible.builtin.files
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
requirements:
  - C(openssl) for a key store, C(keytool) of a Java runtime for a trust store, where OpenSSL before 3.2 cannot mark what Java is to trust.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - There are keys in it.
  idempotent:
    support: full
options:
  dest:
    description: The store.
    type: path
    required: true
  certificate:
    description: The certificate in PEM, followed by those of intermediate authorities.
    type: str
  key:
    description: Its private key in PEM, without a passphrase.
    type: str
  authorities:
    description: Certificates in PEM, one after the other, that are trusted.
    type: str
  password:
    description: Of the store, at least six characters.
    type: str
    required: true
  unsafe_writes:
    description: Not needed where the file is on the host's own disk.
"""

EXAMPLES = r"""
- name: Make the store that nodes show one another
  aiportal.scaling.keycloak_keystore:
    dest: /etc/keycloak/tls/node.p12
    certificate: "{{ lookup('ansible.builtin.file', 'files/node.pem') }}"
    key: "{{ lookup('ansible.builtin.file', 'files/node.key') }}"
    password: "{{ store_password }}"
    mode: "0640"
"""

RETURN = r"""
dest:
  description: The store.
  returned: success
  type: str
  sample: /etc/keycloak/tls/node.p12
"""

import hashlib
import os
import re
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ARGUMENTS: dict[str, dict[str, Any]] = {
    "dest": {"type": "path", "required": True},
    "certificate": {"type": "str"},
    "key": {"type": "str", "no_log": True},
    "authorities": {"type": "str"},
    "password": {"type": "str", "required": True, "no_log": True},
}
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)


class StoreError(Exception):
    """The store cannot be made: the tool's last words."""


class Store:
    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.dest: str = self.params["dest"]

    def run(self) -> bool:
        """Whether anything was changed."""
        inputs = "\0".join(self.params[key] or "" for key in ("certificate", "key", "authorities", "password"))
        digest = hashlib.sha256(inputs.encode()).hexdigest()
        changed = not os.path.exists(self.dest) or read(self.dest + ".source") != digest
        if changed and not self.module.check_mode:
            with tempfile.TemporaryDirectory(dir=self.module.tmpdir) as folder:
                self.module.atomic_move(self._make(folder), self.dest, unsafe_writes=self.params["unsafe_writes"])
                # After the store: killed in between, the next run makes it again.
                self.module.atomic_move(write(folder, "source", digest), self.dest + ".source", unsafe_writes=self.params["unsafe_writes"])
        for path in (self.dest, self.dest + ".source"):
            changed = self.module.set_fs_attributes_if_different(self.module.load_file_common_arguments(self.params, path=path), changed)
        return changed

    def _make(self, folder: str) -> str:
        store = os.path.join(folder, "store.p12")
        if self.params["key"]:
            certificate, key = write(folder, "certificate", self.params["certificate"]), write(folder, "key", self.params["key"])
            self._call("openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-out", store, "-passout", "env:STORE_PASSWORD")
            return store
        found = PEM.findall(self.params["authorities"])
        if not found:
            raise StoreError("authorities holds no certificate in PEM: give at least one")
        for number, authority in enumerate(found):
            given = ["-file", write(folder, "authority", authority), "-alias", f"authority-{number}"]
            options = ["-keystore", store, "-storetype", "PKCS12", "-storepass:env", "STORE_PASSWORD"]
            self._call("keytool", "-importcert", "-noprompt", *given, *options)
        return store

    def _call(self, tool: str, *arguments: str) -> None:
        command = [self.module.get_bin_path(tool, required=True), *arguments]
        code, output, error = self.module.run_command(command, environ_update={"STORE_PASSWORD": self.params["password"]})
        if code != 0:
            raise StoreError(f"{tool} made no store of it: {(error or output).strip()[-300:]}")


def read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def write(folder: str, name: str, text: str) -> str:
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_together=[["certificate", "key"]],
        required_one_of=[["key", "authorities"]],
        mutually_exclusive=[["key", "authorities"]],
        add_file_common_args=True,
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=Store(module).run(), dest=module.params["dest"])
    except StoreError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
