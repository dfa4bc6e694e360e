# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._jgroups_config import owned
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_conf import BEGIN, END, ConfError, parse, put_block


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db=postgres\n", {"db": "postgres"}),
        ("  db = postgres  \n", {"db": "postgres"}),
        ("db: postgres", {"db": "postgres"}),
        ("db postgres", {"db": "postgres"}),
        ("db-url=jdbc:postgresql://x/y?a=b", {"db-url": "jdbc:postgresql://x/y?a=b"}),
        ("db-password=", {"db-password": ""}),
        ("# db=postgres\n! db=mysql\n\n", {}),
        ("db=a\ndb=b", {"db": "b"}),
        ("spi-x--y--z=1", {"spi-x--y--z": "1"}),
    ],
)
def test_parse(text: str, expected: dict[str, str]) -> None:
    assert parse(text) == expected


OPTIONS = {"cache-embedded-network-bind-address": "10.0.0.1"}
BLOCK = f"{BEGIN}\ncache-embedded-network-bind-address=10.0.0.1\n{END}\n"


@pytest.mark.parametrize(
    ("text", "expected", "strays"),
    [
        ("", BLOCK, ()),
        ("db=postgres\n", "db=postgres\n" + BLOCK, ()),
        ("db=postgres", "db=postgres\n" + BLOCK, ()),
        (BLOCK, BLOCK, ()),
        (BLOCK + "db=postgres\n", BLOCK + "db=postgres\n", ()),
        (f"{BEGIN}\nanything\n{END}\ndb=postgres\n", BLOCK + "db=postgres\n", ()),
        ("# why\ncache=local\ndb=x\n", "# why\ndb=x\n" + BLOCK, ("cache",)),
        ("cache-stack=tcp\n" + BLOCK, BLOCK, ("cache-stack",)),
        (BLOCK + "cache-stack tcp\n", BLOCK, ("cache-stack",)),
        ("spi-cache-embedded-default-site-name=a\n", BLOCK, ("spi-cache-embedded-default-site-name",)),
        ("spi-cache-embedded--default--site-name=a\n", BLOCK, ("spi-cache-embedded--default--site-name",)),
        ("cached=1\nmy-cache=1\n#cache=local\n", "cached=1\nmy-cache=1\n#cache=local\n" + BLOCK, ()),
    ],
)
def test_put_block(text: str, expected: str, strays: tuple[str, ...]) -> None:
    edit = put_block(text, OPTIONS, owned)

    assert edit.text == expected
    assert edit.strays == strays
    assert put_block(edit.text, OPTIONS, owned).text == edit.text


@pytest.mark.parametrize("text", [BEGIN, END, f"{END}\n{BEGIN}", f"{BLOCK}{BLOCK}"])
def test_marks_that_are_no_pair_are_refused(text: str) -> None:
    with pytest.raises(ConfError):
        put_block(text, OPTIONS, owned)


def test_diff_shows_own_lines_without_passwords() -> None:
    edit = put_block("db-password=one\ncache-embedded-mtls-key-store-password=two\ncache=local\n", OPTIONS, owned)

    assert edit.before == "cache-embedded-mtls-key-store-password=********\ncache=local\n"
    assert edit.after == BLOCK
