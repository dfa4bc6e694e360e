# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
import yaml

from lab.portal import definition, node, realm
from lab.reconcilers import databases
from lab.settings import ROOT


@pytest.mark.parametrize(("mebibytes", "connections"), [(1024, 102), (4096, 410), (1024 * 1024, 5000)])
def test_max_connections_of_a_class(mebibytes: int, connections: int) -> None:
    assert databases.default_max_connections(mebibytes) == connections


def test_statements_for_the_master_user_survive_quotes_and_end_with_an_empty_line() -> None:
    text = databases.master_sql({"MasterUsername": 'a"b', "DBName": "kc"}, "it's")
    assert "CREATE ROLE \"a\"\"b\" LOGIN CREATEDB CREATEROLE PASSWORD 'it''s';\n\n" in text
    assert text.endswith('CREATE DATABASE "kc" OWNER "a""b";\n\n')
    assert "DATABASE" not in databases.master_sql({"MasterUsername": "a"}, "x")


def test_the_database_takes_connections_with_tls_only_and_keeps_fsync() -> None:
    assert [line.split()[0] for line in databases.HBA.splitlines()] == ["local", "hostssl"]
    assert "fsync" not in databases.CONFIGURATION


@pytest.mark.parametrize(("kind", "line"), [("bridge", "cache-embedded-network-external-address=172.17.0.2"), ("local", "cache=local")])
def test_configuration_of_the_old_node(kind: str, line: str) -> None:
    text = node.configuration("db.example", kind)
    assert text.splitlines()[-1] == line
    assert "db-url=jdbc:postgresql://db.example:5432/keycloak?sslmode=verify-full" in text


def test_an_unknown_variant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_OLD_NODE", "udp")
    with pytest.raises(RuntimeError, match="LAB_OLD_NODE is 'udp'"):
        node.variant()


def test_the_labs_definition_is_the_shipped_one_but_for_two_settings() -> None:
    shipped = yaml.safe_load((ROOT / "inventory" / definition.DEFINITION).read_text())
    changes = {"portal": {"ca_files": ["/ca.pem"], "keycloak": {"archive": "http://x/k.tar.gz"}}}
    merged = definition.merge(shipped, changes)
    assert merged["portal"].pop("ca_files") == ["/ca.pem"]
    assert merged["portal"]["keycloak"].pop("archive") == "http://x/k.tar.gz"
    assert shipped["portal"].pop("ca_files") == []
    assert merged == shipped


def test_clients_need_pkce_or_a_secret() -> None:
    for client in realm.clients("s"):
        pkce = client.get("attributes", {}).get("pkce.code.challenge.method") == "S256"
        assert pkce if client["publicClient"] else client["secret"] == "s"
        assert client["redirectUris"] == [realm.REDIRECTS[client["clientId"]]]
