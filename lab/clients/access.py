# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a client outside reaches the portal: by the lab's resolver, over TLS with its authority, and to the lab's own addresses only."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import KeycloakAdmin
from ansible_collections.aiportal.scaling.plugins.module_utils._oidc import Client, Oidc
from dnslib import A, DNSRecord

from lab import network, pki
from lab.portal import HOSTNAME, LANGFUSE_SECRET, REALM, people
from lab.portal.realm import REDIRECTS
from lab.settings import Lab

QUESTIONS = 4

# Longer than a user's: all hosts and Ansible share what may be two slow cores, and a late answer is not a lost one. The worst is told.
PATIENCE = 30.0


class Access:
    """The portal as its users see it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._ca = pki.authority(lab).ca().certificate.decode()
        self._secrets = {"langfuse": str(secret(lab, LANGFUSE_SECRET)["client_secret"])}
        self.users = list(people.users(lab).items())
        if not network.exists(lab):
            raise RuntimeError(f"the lab's network {lab.name} is not there: packets to {lab.cidr} would leave this machine")

    def oidc(self, application: str, sleep: Callable[[float], None] = time.sleep) -> Oidc:
        """Resolved anew for each conversation, as a name with a short time to live is. Held for more than ten seconds is hung."""
        client = Client(REALM, application, REDIRECTS[application], self._secrets.get(application, ""))
        return Oidc(self.http(), client, patience=10.0, sleep=sleep)

    def http(self) -> Http:
        return Http(f"https://{HOSTNAME}", connect_to=f"{self.address()}:443", ca_pem=self._ca, timeout=PATIENCE)

    def address(self) -> str:
        answer = DNSRecord.parse(self._ask(DNSRecord.question(HOSTNAME)))
        addresses = [str(record.rdata) for record in answer.rr if isinstance(record.rdata, A)]
        if not addresses or ipaddress.ip_address(addresses[0]) not in ipaddress.ip_network(self._lab.cidr):
            raise RuntimeError(f"{HOSTNAME} resolves to {addresses}, which is not in the lab")
        return addresses[0]

    def _ask(self, question: DNSRecord) -> bytes:
        """Again when no answer comes, as every resolver of an operating system does: on a busy machine the lab's own can take a while."""
        for _ in range(QUESTIONS - 1):
            with contextlib.suppress(TimeoutError):
                return bytes(question.send(self._lab.resolver, 53, timeout=5))
        return bytes(question.send(self._lab.resolver, 53, timeout=5))


def count_users(lab: Lab) -> int:
    """Users of the realm, asked through the balancer as an administrator asks."""
    admin = secret(lab, "aiportal/keycloak/admin")
    return int(KeycloakAdmin(Access(lab).http(), admin["username"], admin["password"]).get(f"/{REALM}/users/count"))


def secret(lab: Lab, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(lab.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    return value
