# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed Microsoft AD: two Samba domain controllers at the directory's DNS addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab import images, ldap, pki
from lab.containers import KIND_LABEL, Containers, Spec
from lab.control_plane.patches import ds
from lab.control_plane.reports import report
from lab.settings import Lab

Directory = Mapping[str, Any]  # as DescribeDirectories gives it


class Directories:
    kind = "directory"
    watches = False

    def __init__(self, lab: Lab, containers: Containers) -> None:
        self.lab, self.containers = lab, containers

    def reconcile(self) -> None:
        found = self.lab.client("ds").describe_directories()["DirectoryDescriptions"]
        wanted = {self.containers.full_name(host(directory, number)) for directory in found for number in controllers(directory)}
        for container in self.containers.all(**{KIND_LABEL: self.kind}):
            if container.name not in wanted:
                self.containers.discard(container)
        for directory in found:
            self._directory(directory)

    def _directory(self, directory: Directory) -> None:
        answering = True
        for number in controllers(directory):
            # A controller joins through those before it.
            if answering:
                self.containers.ensure_running(self._spec(directory, number))
                answering = self._answers(directory, number)
        report(self.kind, directory["DirectoryId"], "Active" if answering else None)

    def _spec(self, directory: Directory, number: int) -> Spec:
        name = host(directory, number)
        return Spec(
            name=name,
            image=images.reference("directory"),
            address=directory["DnsIpAddrs"][number - 1],
            resource=directory["DirectoryId"],
            kind=self.kind,
            hostname=f"dc{number}",
            files={} if self.containers.find(name) else self._files(directory, number),
        )

    def _files(self, directory: Directory, number: int) -> dict[str, tuple[bytes, int]]:
        authority = pki.authority(self.lab)
        pair = authority.certificate(names(directory, number), [directory["DnsIpAddrs"][number - 1]])
        password = ds.admin_password(directory["DirectoryId"])
        files = {
            "/etc/dc/settings": (settings(directory, number, self.lab.resolver).encode(), 0o644),
            "/etc/dc/tls/ca.pem": (authority.ca().certificate, 0o644),
            "/etc/dc/tls/server.crt": (pair.certificate, 0o644),
            "/etc/dc/tls/server.key": (pair.key, 0o600),
            "/etc/dc/password": (password.encode(), 0o600),
        }
        if number == 1:
            files["/etc/dc/domain.ldif"] = (domain_ldif(directory, password).encode(), 0o600)
        return files

    def _answers(self, directory: Directory, number: int) -> bool:
        user, password = f"Admin@{directory['Name']}", ds.admin_password(directory["DirectoryId"])
        ca_file = pki.authority(self.lab).ca_file
        return ldap.binds(directory["DnsIpAddrs"][number - 1], names(directory, number)[0], ca_file, user, password)


def controllers(directory: Directory) -> range:
    return range(1, len(directory["DnsIpAddrs"]) + 1)


def host(directory: Directory, number: int) -> str:
    return f"{directory['DirectoryId']}-dc{number}"


def names(directory: Directory, number: int) -> list[str]:
    return [f"dc{number}.{directory['Name']}", directory["Name"]]


def settings(directory: Directory, number: int, forwarder: str) -> str:
    """Shell variables for dc-init."""
    addresses = directory["DnsIpAddrs"]
    values = {
        "REALM": directory["Name"].upper(),
        "WORKGROUP": directory["ShortName"],
        "ADDRESS": addresses[number - 1],
        "CONTROLLERS": f"'{' '.join(addresses)}'",
        "FORWARDER": forwarder,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def domain_ldif(directory: Directory, password: str) -> str:
    """What AWS puts into a new directory: an OU named like the domain, in it the delegated administrator "Admin"."""
    base = ldap.base_dn(directory["Name"])
    top = f"OU={directory['ShortName']},{base}"
    admin = f"CN=Admin,OU=Users,{top}"
    return "".join(
        [
            # Never: a lab left running must not lock its users out.
            ldap.change(base, "replace", "maxPwdAge", ["-9223372036854775808"]),
            ldap.unit(top),
            ldap.unit(f"OU=Users,{top}"),
            ldap.unit(f"OU=Computers,{top}"),
            ldap.user(admin, "Admin", directory["Name"], password),
            ldap.change(f"CN=Domain Admins,CN=Users,{base}", "add", "member", [admin]),
        ]
    )


def create(lab: Lab, containers: Containers) -> Directories:
    return Directories(lab, containers)
