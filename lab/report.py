# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's figures: what is reported, how it looks on one screen, and what makes it a failure. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def figures(proofs: Mapping[str, Json], migration: Json, checks: tuple[Json, Json], changed: int, seconds: Json) -> dict[str, Any]:
    (before, after), verify, failover = checks, proofs["verify"], proofs["failover"]
    return {
        "nodes": [node for node in verify["nodes"] if node["generation"] == "cluster" and node["state"] == "running"],
        "one_cluster": verify["one_cluster"],
        "users_before": before["users"],
        "users_after": after["users"],
        "sessions_before": before["live"],
        "sessions_after": after["live"],
        "migration": {
            key: migration[key] for key in ("requests", "failed", "longest_gap_s", "worst_latency_s", "restarted_logins", "held_logins")
        }
        | {"lost": after["lost"], "revived": after["revived"]},
        "failover": {key: failover[key] for key in ("requests", "failed", "sessions_lost", "logins_lost", "longest_gap_s", "drills")},
        "changed": changed,
        "seconds": dict(seconds),
    }


def faults(report: Json) -> list[str]:
    """What was lost or failed, in words. What a dead node may cost has thresholds in its playbook."""
    migration, failover = report["migration"], report["failover"]
    wrong = {
        "the nodes are not one cluster": not report["one_cluster"],
        "users are missing": not report["users_after"] >= report["users_before"] > 0,
        "sessions are missing": not report["sessions_after"] >= report["sessions_before"] > 0,
        "requests failed in the migration": migration["failed"],
        "sessions were lost in the migration": migration["lost"],
        "sessions that had ended came back": migration["revived"],
        "sessions were lost in the failover": failover["sessions_lost"],
        "half-done logins were lost in the failover": failover["logins_lost"],
    }
    return [words for words, is_so in wrong.items() if is_so]


def screen(report: Json) -> str:
    migration, failover, seconds = report["migration"], report["failover"], report["seconds"]
    slow = f"longest gap {migration['longest_gap_s']} s, slowest {migration['worst_latency_s']} s"
    nodes = ", ".join(f"{node['name']} {node['address']} {node['az']}" for node in report["nodes"])
    rows = [
        ("nodes", nodes),
        ("one cluster", "yes, by size, rows, ports and probe on every node" if report["one_cluster"] else "NO"),
        ("users", f"{report['users_before']} before, {report['users_after']} after"),
        ("sessions", f"{report['sessions_before']} before, {report['sessions_after']} of them and of those begun meanwhile after"),
        ("migration", f"{migration['requests']} requests, {migration['failed']} failed, {slow}"),
        ("logins meanwhile", f"{migration['restarted_logins']} started over, {migration['held_logins']} held for some seconds"),
        ("failover", f"{failover['requests']} requests, {failover['failed']} failed, longest gap {failover['longest_gap_s']} s"),
        ("lost in failover", f"{failover['sessions_lost']} sessions, {failover['logins_lost']} half-done logins"),
        ("changed tasks", str(report["changed"])),
        ("seconds", f"{', '.join(f'{name} {value:.0f}' for name, value in seconds.items())}; {sum(seconds.values()):.0f} in all"),
        ("verdict", f"FAILED: {'; '.join(wrong)}" if (wrong := faults(report)) else "ok"),
    ]
    line = "-" * 100
    return "\n".join(["", line, *(f"{name:18}{text}" for name, text in rows), line])
