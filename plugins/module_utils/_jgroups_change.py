# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what going from one keycloak.conf to another costs. Pure.

Keycloak's own "kc.sh update-compatibility" calls a changed cluster name compatible. Nodes of two names are two clusters that do not
hear of each other's changes, so the decision about the clustering options is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.aiportal.scaling.plugins.module_utils._jgroups_config import DEFAULT_CLUSTER, SPI, owned

POLICIES = ("none", "rolling", "recreate")
# Nodes with different values of these do not form one cluster, or not safely. (Spellings, default).
RECREATE = {
    "cache": (("cache",), "ispn"),
    "cache-stack": (("cache-stack",), ""),  # no default: unset and jdbc-ping count as different
    "cache-config-file": (("cache-config-file",), "cache-ispn.xml"),
    "cache-config-mutate": (("cache-config-mutate",), "false"),
    "cache-embedded-mtls-enabled": (("cache-embedded-mtls-enabled",), "true"),
    # Nodes with a store of their own and nodes with the certificate in the database do not trust each other.
    "cache-embedded-mtls-key-store-file": (("cache-embedded-mtls-key-store-file",), ""),
    "cache-embedded-mtls-trust-store-file": (("cache-embedded-mtls-trust-store-file",), ""),
    "cluster name": (("cache-embedded-cluster-name", SPI + "cluster-name", "spi-cache-embedded-default-cluster-name"), DEFAULT_CLUSTER),
    "cache-remote-host": (("cache-remote-host",), ""),
    "cache-remote-port": (("cache-remote-port",), "11222"),
}
# Options that "kc.sh build" persists (kc.sh build --help-all of 26.7).
BUILD_OPTIONS = frozenset(
    (
        *("db", "db-driver", "event-metrics-user-enabled", "features", "features-disabled", "fips-mode", "health-enabled"),
        *("http-management-health-enabled", "http-management-relative-path", "http-relative-path", "https-client-auth"),
        *("https-management-client-auth", "legacy-observability-interface", "log-mdc-enabled", "metrics-enabled"),
        *("openapi-enabled", "openapi-ui-enabled", "telemetry-logs-enabled", "telemetry-metrics-enabled", "tracing-enabled"),
        *("tracing-jdbc-enabled", "tracing-sampler-type", "transaction-xa-enabled", "vault"),
    )
)
BUILD_PREFIXES = ("db-driver-", "db-health-exclude-", "db-kind-", "feature-", "transaction-xa-enabled-")
BUILD_SUFFIXES = ("--enabled", "--provider", "--provider-default")


@dataclass(frozen=True)
class Change:
    update_policy: str
    rebuild_required: bool
    reasons: tuple[str, ...]


def compare(before: Mapping[str, str] | None, after: Mapping[str, str], xml_differs: bool = False) -> Change:
    """before is None where nothing runs yet: then there is nothing to update."""
    if before is None:
        return Change("none", False, ("there is no configuration in force to compare with",))
    recreate = [_reason(name, *values) for name, values in _recreating(before, after).items()]
    if xml_differs:
        recreate.append("the content of the cache configuration XML differs")
    handled = {spelling for spellings, dummy in RECREATE.values() for spelling in spellings}
    differing = {key: _reason(key, before.get(key, ""), after.get(key, "")) for key in _differing(before, after)}
    rolling = [reason for key, reason in differing.items() if owned(key) and key not in handled]
    build = [reason + " (build option)" for key, reason in differing.items() if _is_build_option(key)]
    reasons = [*recreate, *rolling, *build]
    policy = "recreate" if recreate else "rolling" if rolling or build else "none"
    return Change(policy, bool(build), tuple(reasons))


def _recreating(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    pairs = {name: (_value(before, *rule), _value(after, *rule)) for name, rule in RECREATE.items()}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _value(conf: Mapping[str, str], spellings: tuple[str, ...], default: str) -> str:
    return next((conf[key] for key in spellings if conf.get(key)), default)


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def _is_build_option(key: str) -> bool:
    if owned(key):
        return False
    return key in BUILD_OPTIONS or key.startswith(BUILD_PREFIXES) or (key.startswith("spi-") and key.endswith(BUILD_SUFFIXES))


def _reason(key: str, before: str, after: str) -> str:
    if key.endswith("password"):
        return f"{key} changes"
    return "{}: {} -> {}".format(key, before or "unset", after or "unset")
