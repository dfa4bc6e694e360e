# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._jgroups_change import Change, compare
from ansible_collections.aiportal.scaling.plugins.module_utils._jgroups_config import (
    ConfigError,
    Peer,
    Settings,
    options,
    parse_version,
    validate,
    warnings,
)

SPI = "spi-cache-embedded--default--"

STORES: dict[str, Any] = {"mtls": "files", "key_store_file": "/k.p12", "trust_store_file": "/t.p12", "store_password": "secret"}


@pytest.mark.parametrize(
    ("settings", "version", "expected"),
    [
        ({}, (26, 7), {}),
        ({"state": "absent", "cluster_name": "x"}, (26, 7), {"cache": "local"}),
        ({"cluster_name": "a", "node_name": "n"}, (26, 7), {SPI + "cluster-name": "a", SPI + "node-name": "n"}),
        ({"cluster_name": "a", "node_name": "n"}, (26, 8), {"cache-embedded-cluster-name": "a", "cache-embedded-node-name": "n"}),
        (
            {"bind_address": "10.0.0.1", "bind_port": 7900},
            (26, 7),
            {"cache-embedded-network-bind-address": "10.0.0.1", "cache-embedded-network-bind-port": "7900"},
        ),
        ({"bind_port": 7800, "mtls": "auto"}, (26, 7), {}),
        (
            {"external_address": "10.0.0.1", "external_port": 1},
            (26, 7),
            {"cache-embedded-network-external-address": "10.0.0.1", "cache-embedded-network-external-port": "1"},
        ),
        ({"site_name": "a", "machine_name": "i-1"}, (26, 4), {SPI + "site-name": "a", SPI + "machine-name": "i-1"}),
        ({"mtls": "disabled"}, (26, 7), {"cache-embedded-mtls-enabled": "false"}),
        ({"mtls_rotation_days": 7}, (26, 7), {"cache-embedded-mtls-rotation-interval-days": "7"}),
        (
            STORES,
            (26, 7),
            {
                "cache-embedded-mtls-key-store-file": "/k.p12",
                "cache-embedded-mtls-key-store-password": "secret",
                "cache-embedded-mtls-trust-store-file": "/t.p12",
                "cache-embedded-mtls-trust-store-password": "secret",
            },
        ),
        (
            {"max_counts": {"client_sessions": 5, "users": 3}},
            (26, 7),
            {"cache-embedded-client-sessions-max-count": "5", "cache-embedded-users-max-count": "3"},
        ),
    ],
)
def test_options(settings: dict[str, Any], version: tuple[int, int], expected: dict[str, str]) -> None:
    assert options(Settings(**settings), version) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("26.7.4", (26, 7)), ("26.4", (26, 4)), ("27.0.0.redhat-1", (27, 0)), ("26.10.1", (26, 10))]
)
def test_parse_version(text: str, expected: tuple[int, int]) -> None:
    assert parse_version(text) == expected


@pytest.mark.parametrize("text", ["", "latest", "26", "26.3.5", "25.0.6", "nightly-26.7"])
def test_version_that_is_none_or_too_old(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_version(text)


SELF = {"node_name": "a", "bind_address": "10.0.0.1"}
A, B = Peer("a", "10.0.0.1"), Peer("b", "10.0.0.2")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bind_address": "SITE_LOCAL"},
        {"bind_address": "match-interface:eth.*"},
        {"bind_address": "fd00::1"},
        {**SELF, "peers": [A, B]},
        {**SELF, "peers": [B]},
        {"bind_address": "10.0.0.1", "peers": [A, B]},
        {"node_name": "a", "bind_address": "172.17.0.2", "external_address": "10.0.0.1", "peers": [A, B]},
        {"state": "absent", "bind_address": "127.0.0.1"},
        {"max_counts": {"keys": 1}},
        {"bind_port": 15535},
    ],
    ids=str,
)
def test_valid(settings: dict[str, Any]) -> None:
    validate(Settings(**settings), (26, 7))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"discovery": "udp"}, "discovery=udp is refused, because it needs multicast"),
        ({"discovery": "ec2"}, "discovery=ec2"),
        ({"discovery": "kubernetes"}, "discovery=kubernetes"),
        ({"discovery": "tcp"}, "discovery=tcp"),
        ({"discovery": "azure"}, "discovery=azure"),
        ({"discovery": "google"}, "discovery=google"),
        ({"discovery": "jdbc_ping_udp"}, "multicast"),
        ({"discovery": "carrier_pigeon"}, "not known"),
        ({"discovery": "udp", "state": "absent"}, "discovery=udp"),
        ({"bind_address": "127.0.0.1"}, "bind_address=127.0.0.1 is a loopback"),
        ({"bind_address": "::1"}, "loopback"),
        ({"bind_address": "169.254.1.1"}, "link-local"),
        ({"bind_address": "0.0.0.0"}, "no host's"),
        ({"bind_address": "LOOPBACK"}, "bind_address=LOOPBACK"),
        ({"bind_address": "LINK_LOCAL"}, "bind_address=LINK_LOCAL"),
        ({"bind_address": "kc-1.example"}, "give an IP address, SITE_LOCAL"),
        ({"external_address": "127.0.0.1"}, "external_address=127.0.0.1"),
        ({"external_address": "SITE_LOCAL"}, "give an IP address"),
        ({"external_port": 7801}, "external_address"),
        ({"bind_port": 0}, "bind_port"),
        ({"bind_port": 15536}, "bind_port must be at most 15535"),
        ({"cluster_name": "a b"}, "cluster_name"),
        ({"cluster_name": "a\ncache=local"}, "cluster_name"),
        ({"node_name": "${x}"}, "node_name"),
        ({"mtls": "disabled", "mtls_rotation_days": 3}, "mtls_rotation_days"),
        ({"mtls_rotation_days": -1}, "mtls_rotation_days"),
        ({"mtls": "files", "mtls_rotation_days": 3, **STORES}, "mtls_rotation_days"),
        ({"mtls": "files"}, "give all three with it, else none"),
        ({**STORES, "store_password": ""}, "give all three with it, else none"),
        ({**STORES, "mtls": "auto"}, "give all three with it, else none"),
        ({"max_counts": {"work": 1}}, "no cache work"),
        ({"max_counts": {"users": 0}}, "max_counts.users"),
        ({"java_opts": "-Xmx1g -Djboss.node.name=x"}, "-Djboss.node.name"),
        ({"peers": [A, Peer("a", "10.0.0.3")]}, "name a twice"),
        ({"peers": [A, Peer("c", "10.0.0.1")]}, "address 10.0.0.1 twice"),
        ({**SELF, "peers": [Peer("a", "10.0.0.9")]}, "a at 10.0.0.9 is among peers"),
        ({**SELF, "peers": [Peer("z", "10.0.0.1")]}, "z at 10.0.0.1 is among peers"),
    ],
)
def test_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Settings(**settings), (26, 7))

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "refused"), [({"node_name": "a"}, True), ({"cluster_name": "a"}, True), ({"cluster_name": "ISPN"}, False)]
)
def test_names_need_26_7(settings: dict[str, Any], refused: bool) -> None:
    if refused:
        with pytest.raises(ConfigError, match=r"26\.7"):
            validate(Settings(**settings), (26, 6))
    else:
        validate(Settings(**settings), (26, 6))


def test_warnings() -> None:
    found = warnings("-Xmx1g -Djgroups.bind.address=10.0.0.1 -Djgroups.fd.port-offset=50000")

    assert len(found) == 1
    assert "-Djgroups.bind.address=10.0.0.1" in found[0]


@pytest.mark.parametrize(
    ("before", "after", "policy"),
    [
        ({}, {}, "none"),
        # recreate: nodes of the two configurations do not form one cluster, or not safely
        ({}, {"cache": "local"}, "recreate"),
        ({}, {"cache": "ispn"}, "none"),
        ({}, {"cache-stack": "jdbc-ping"}, "recreate"),
        ({"cache-stack": "jdbc-ping"}, {"cache-stack": "jdbc-ping"}, "none"),
        ({}, {"cache-config-file": "mine.xml"}, "recreate"),
        ({}, {"cache-config-file": "cache-ispn.xml"}, "none"),
        ({}, {"cache-embedded-mtls-enabled": "false"}, "recreate"),
        ({}, {"cache-embedded-mtls-enabled": "true"}, "none"),
        ({}, {"cache-embedded-mtls-key-store-file": "/k.p12"}, "recreate"),
        ({"cache-embedded-mtls-trust-store-file": "/t.p12"}, {}, "recreate"),
        ({}, {SPI + "cluster-name": "a"}, "recreate"),
        ({SPI + "cluster-name": "a"}, {"cache-embedded-cluster-name": "a"}, "none"),
        ({"spi-cache-embedded-default-cluster-name": "a"}, {SPI + "cluster-name": "b"}, "recreate"),
        ({SPI + "cluster-name": "ISPN"}, {}, "none"),
        # rolling
        ({}, {"cache-embedded-network-bind-address": "10.0.0.1"}, "rolling"),
        ({}, {"cache-embedded-network-bind-port": "7801"}, "rolling"),
        ({}, {"cache-embedded-network-external-address": "10.0.0.1"}, "rolling"),
        ({}, {SPI + "site-name": "a"}, "rolling"),
        ({}, {SPI + "node-name": "a"}, "rolling"),
        ({}, {"cache-embedded-users-max-count": "5"}, "rolling"),
        # both: the dearer one
        ({}, {SPI + "site-name": "a", "cache": "local"}, "recreate"),
        # not this module's
        ({"hostname": "a"}, {"hostname": "b"}, "none"),
        (None, {"cache": "local"}, "none"),
    ],
)
def test_update_policy(before: dict[str, str] | None, after: dict[str, str], policy: str) -> None:
    assert compare(before, after).update_policy == policy


def test_other_xml_is_recreate() -> None:
    assert compare({}, {}, xml_differs=True).update_policy == "recreate"


@pytest.mark.parametrize(
    ("key", "rebuild"),
    [
        ("features", True),
        ("health-enabled", True),
        ("db-kind-other", True),
        ("spi-x--y--enabled", True),
        ("hostname", False),
        ("db-url-host", False),
    ],
)
def test_rebuild_required(key: str, rebuild: bool) -> None:
    assert compare({}, {key: "x"}).rebuild_required is rebuild


def test_reasons_hold_no_password() -> None:
    change = compare({"cache-embedded-mtls-key-store-password": "one"}, {"cache-embedded-mtls-key-store-password": "two"})

    assert change == Change("rolling", False, ("cache-embedded-mtls-key-store-password changes",))
