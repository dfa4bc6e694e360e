# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what Keycloak has to be told so that its nodes form one cluster, and what a change of it costs. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DEFAULT_CLUSTER = "ISPN"
BIND_PORT = 7800
FD_OFFSET = 50000  # the failure detector (FD_SOCK2) listens that much higher
SPI = "spi-cache-embedded--default--"
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
VERSION = re.compile(r"^\d+\.\d+(\.\d+)?")
INTERFACE_KEYWORDS = ("SITE_LOCAL", "GLOBAL", "NON_LOOPBACK")
MATCHERS = ("match-interface:", "match-address:", "match-host:")
COUNTS = ("realms", "users", "authorization", "keys", "crl", "sessions", "client_sessions", "offline_sessions", "offline_client_sessions")
REFUSED_DISCOVERY = {
    "udp": "it needs multicast, which a VPC does not carry",
    "ec2": "it is deprecated in Keycloak, and needs libraries of JGroups and the AWS SDK that match the release",
    "kubernetes": "it asks a DNS service of Kubernetes, and these nodes are no pods",
    "tcp": "its discovery is multicast, which a VPC does not carry",
    "azure": "it is deprecated in Keycloak, and reads a storage account of another cloud",
    "google": "it is deprecated in Keycloak, and reads a bucket of another cloud",
    "jdbc-ping-udp": "it needs multicast, which a VPC does not carry",
}
# Keycloak throws at start where it finds these; -Djgroups.* it merely ignores beside its own options.
FATAL_PROPERTIES = ("-Djboss.node.name", "-Djboss.site.name")


class ConfigError(Exception):
    """The settings cannot work; the message names the option and the fix."""


@dataclass(frozen=True)
class Peer:
    name: str
    address: str


@dataclass(frozen=True)
class Settings:
    state: str = "present"
    discovery: str = "jdbc_ping"
    cluster_name: str = ""
    node_name: str = ""
    bind_address: str = ""
    bind_port: int = BIND_PORT
    external_address: str = ""
    external_port: int = 0
    site_name: str = ""
    machine_name: str = ""
    mtls: str = "auto"
    mtls_rotation_days: int = 0
    key_store_file: str = ""
    trust_store_file: str = ""
    store_password: str = field(default="", repr=False)
    max_counts: Mapping[str, int] = field(default_factory=dict)
    peers: Sequence[Peer] = ()
    java_opts: str = ""


def parse_version(text: str) -> tuple[int, int]:
    """Major and minor, which is what decides the options; 26.4 introduced those for the network."""
    match = VERSION.match(text)
    if not match:
        raise ConfigError(f"version must be a release of Keycloak such as 26.7.4, not {text!r}")
    major, minor = (int(part) for part in match.group().split(".")[:2])
    if (major, minor) < (26, 4):
        raise ConfigError(f"Keycloak {text} cannot be told its cluster address by options: use release 26.4 or later")
    return major, minor


def owned(key: str) -> bool:
    """Keys that this module alone writes, in both spellings of SPI options (two dashes, or one before 26.4)."""
    return key == "cache" or key.startswith(("cache-", "spi-cache-embedded-"))


def options(settings: Settings, version: tuple[int, int]) -> dict[str, str]:
    """What has to stand in keycloak.conf. A default of Keycloak's is left out: cache-stack=jdbc-ping, spelled out, costs a full stop."""
    if settings.state == "absent":
        return {"cache": "local"}
    native = version >= (26, 8)
    found = {
        ("cache-embedded-cluster-name" if native else SPI + "cluster-name"): settings.cluster_name,
        ("cache-embedded-node-name" if native else SPI + "node-name"): settings.node_name,
        "cache-embedded-network-bind-address": settings.bind_address,
        "cache-embedded-network-bind-port": "" if settings.bind_port == BIND_PORT else str(settings.bind_port),
        "cache-embedded-network-external-address": settings.external_address,
        "cache-embedded-network-external-port": str(settings.external_port or ""),
        SPI + "site-name": settings.site_name,
        SPI + "machine-name": settings.machine_name,
        "cache-embedded-mtls-enabled": "false" if settings.mtls == "disabled" else "",
        "cache-embedded-mtls-key-store-file": settings.key_store_file,
        "cache-embedded-mtls-key-store-password": settings.store_password,
        "cache-embedded-mtls-trust-store-file": settings.trust_store_file,
        "cache-embedded-mtls-trust-store-password": settings.store_password,
        "cache-embedded-mtls-rotation-interval-days": str(settings.mtls_rotation_days or ""),
        **{"cache-embedded-{}-max-count".format(name.replace("_", "-")): str(count) for name, count in sorted(settings.max_counts.items())},
    }
    return {key: value for key, value in found.items() if value}


def validate(settings: Settings, version: tuple[int, int]) -> None:
    """Raise ConfigError for what can be seen to fail without looking at the host."""
    if settings.discovery != "jdbc_ping":
        reason = REFUSED_DISCOVERY.get(settings.discovery.replace("_", "-"), "it is not known")
        raise ConfigError(f"discovery={settings.discovery} is refused, because {reason}: use jdbc_ping, which works through the database")
    for prefix in FATAL_PROPERTIES:
        if any(word.startswith(prefix) for word in settings.java_opts.split()):
            raise ConfigError(f"Keycloak does not start with {prefix} in java_opts: remove it and use node_name or site_name")
    if settings.state == "absent":
        return
    _check_names(settings, version)
    for key in ("bind_address", "external_address"):
        _check_address(key, getattr(settings, key))
    _check_numbers(settings)
    _check_peers(settings)


def warnings(java_opts: str) -> list[str]:
    leftovers = [word for word in java_opts.split() if word.startswith("-Djgroups.") and not word.startswith("-Djgroups.fd.port-offset")]
    return [f"java_opts has the leftover {word}: Keycloak ignores it beside its options: remove it" for word in leftovers]


def _check_names(settings: Settings, version: tuple[int, int]) -> None:
    for key in ("cluster_name", "node_name", "site_name", "machine_name"):
        value = getattr(settings, key)
        if value and not NAME.match(value):
            raise ConfigError(f"{key} must be letters, digits, dots, dashes and underscores, not {value!r}")
    if version < (26, 7) and settings.node_name:
        raise ConfigError("node_name needs Keycloak 26.7 or later: leave it out, or use a later release")
    if version < (26, 7) and settings.cluster_name not in ("", DEFAULT_CLUSTER):
        raise ConfigError("cluster_name needs Keycloak 26.7 or later: leave it out, or use a later release")


def _check_address(key: str, value: str) -> None:
    if not value or (key == "bind_address" and (value in INTERFACE_KEYWORDS or value.startswith(MATCHERS))):
        return
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        keywords = f", {', '.join(INTERFACE_KEYWORDS)} or {'..., '.join(MATCHERS)}..." if key == "bind_address" else ""
        raise ConfigError(f"{key}={value} cannot be used: give an IP address{keywords}") from None
    nobody = address.is_unspecified or address.is_multicast
    for kind, applies in (("a loopback", address.is_loopback), ("a link-local", address.is_link_local), ("no host's", nobody)):
        if applies:
            raise ConfigError(f"{key}={value} is {kind} address, at which no other node reaches this one: give the host's in the VPC")


def _check_numbers(settings: Settings) -> None:
    for key in ("bind_port", "external_port"):
        if not 0 <= getattr(settings, key) <= 65535 - FD_OFFSET:
            raise ConfigError(f"{key} must be at most {65535 - FD_OFFSET}: the failure detector uses the port {FD_OFFSET} above it")
    if settings.bind_port == 0:
        raise ConfigError("bind_port must be a fixed port, which the security group opens")
    if settings.external_port and not settings.external_address:
        raise ConfigError("external_port says nothing without external_address: give both or neither")
    if settings.mtls_rotation_days < 0 or (settings.mtls_rotation_days and settings.mtls != "auto"):
        raise ConfigError("mtls_rotation_days must be a number of days, and only with mtls=auto")
    given = [bool(value) for value in (settings.key_store_file, settings.trust_store_file, settings.store_password)]
    if given != [settings.mtls == "files"] * len(given):
        raise ConfigError("key_store_file, trust_store_file and store_password belong to mtls=files: give all three with it, else none")
    for name, count in settings.max_counts.items():
        if name not in COUNTS:
            raise ConfigError(f"max_counts has no cache {name}: use {', '.join(COUNTS)}")
        if count < 1:
            raise ConfigError(f"max_counts.{name} must be at least 1")


def _check_peers(settings: Settings) -> None:
    """Two nodes of one name or address fight over one row of the discovery table. The own entry may be among the peers."""
    own_address = settings.external_address or settings.bind_address
    for key in ("name", "address"):
        values = [getattr(peer, key) for peer in settings.peers]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ConfigError(f"peers has the {key} {twice[0]} twice: each node needs its own")
    for peer in settings.peers:
        if not settings.node_name or not is_ip(own_address) or (peer.name == settings.node_name) == (peer.address == own_address):
            continue
        raise ConfigError(
            f"{peer.name} at {peer.address} is among peers and this node is {settings.node_name} at {own_address}: "
            "each node needs a name and an address of its own"
        )


def is_ip(value: str) -> bool:
    return bool(re.match(r"^[0-9a-fA-F:.]+$", value))
