#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: Find out before a change whether a certificate will do
version_added: 0.1.0
description:
  - Tells whether a certificate belongs to its key, is signed by the given authorities, and how long it is valid,
    by a TLS handshake in memory. Fails with the reason where it would fail between servers.
  - Uses nothing but Python's standard library, and opens no connection but to O(peers).
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.info_module
  - aiportal.scaling._attributes.actiongroup
options:
  certificate_file:
    description: PEM file of the certificate, followed by those of intermediate authorities.
    type: path
    required: true
  key_file:
    description: PEM file of its private key, without a passphrase.
    type: path
    required: true
  ca_files:
    description: PEM files of the authorities. Without them it is not asked who signed the certificate.
    type: list
    elements: path
    default: []
  mutual:
    description: Whether it is shown by the connecting side too, as between the nodes of a cluster.
    type: bool
    default: false
  min_days:
    description: Days that it must still be valid.
    type: float
    default: 14
  peers:
    description:
      - Servers, as C(ADDRESS:PORT), that are asked which certificate they show, and whether they accept this one of a client.
      - Nothing is sent beyond the handshake.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Refuse a certificate that the nodes would not accept from one another
  aiportal.scaling.certificate_info:
    certificate_file: files/node.pem
    key_file: files/node.key
    ca_files: [files/ca.pem]
    mutual: true
  delegate_to: localhost
"""

RETURN = r"""
not_after:
  description: When it ends, in UTC.
  returned: success
  type: str
  sample: "2027-02-01T00:00:00+00:00"
days_left:
  description: Days until then.
  returned: success
  type: float
  sample: 68.5
sha256:
  description: Fingerprint of the certificate.
  returned: success
  type: str
  sample: 5f1c0f6a2b0d8f3e6a55d6c2b3f1c0f6a2b0d8f3e6a55d6c2b3f1c0f6a2b0d8f
peers:
  description: Of each of O(peers) the fingerprint that it C(shows), whether it C(accepts) this certificate, and the C(error).
  returned: success
  type: list
  elements: dict
  sample:
    - {peer: "10.0.1.12:7800", shows: 5f1c0f6a2b0d8f3e6a55d6c2b3f1c0f6a2b0d8f3e6a55d6c2b3f1c0f6a2b0d8f, accepts: true, error: ""}
"""

import datetime
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._certificate import CertificateError, Files, examine
from ansible_collections.aiportal.scaling.plugins.module_utils._certificate_peer import ask

ARGUMENTS: dict[str, dict[str, Any]] = {
    "certificate_file": {"type": "path", "required": True},
    "key_file": {"type": "path", "required": True, "no_log": False},
    "ca_files": {"type": "list", "elements": "path", "default": []},
    "mutual": {"type": "bool", "default": False},
    "min_days": {"type": "float", "default": 14.0},
    "peers": {"type": "list", "elements": "str", "default": []},
}


def run(params: dict[str, Any]) -> dict[str, Any]:
    files = Files(params["certificate_file"], params["key_file"], tuple(params["ca_files"]), params["mutual"])
    found = examine(files)
    left = found.days_left(datetime.datetime.now(datetime.timezone.utc))
    if left < params["min_days"]:
        raise CertificateError(
            f"{files.certificate} ends on {found.ends:%Y-%m-%d}, in {left:.0f} days, {params['min_days']:.0f} are wanted: renew it first"
        )
    peers = [asdict(ask(peer, files)) for peer in params["peers"]]
    return {"not_after": found.ends.isoformat(), "days_left": round(left, 1), "sha256": found.sha256, "peers": peers}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(changed=False, **run(module.params))
    except CertificateError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
