# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the text of a keycloak.conf, of which one marked block is ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

BEGIN = "# BEGIN aiportal.scaling keycloak_jgroups"
END = "# END aiportal.scaling keycloak_jgroups"
# Java properties: the key ends at =, : or white space. Keycloak's own keys need no escapes.
ENTRY = re.compile(r"^\s*(?P<key>[^\s#!=:][^\s=:]*)\s*[=:\s]\s*(?P<value>.*?)\s*$")


class ConfError(Exception):
    """The file is not one that can be edited without a guess."""


@dataclass(frozen=True)
class Edit:
    text: str
    before: str  # the lines that were ours, for the diff: the rest of the file holds passwords
    after: str
    strays: tuple[str, ...]  # keys of ours found outside the block


def parse(text: str) -> dict[str, str]:
    """Option to value; the last of equal keys wins, as in Java."""
    found = (ENTRY.match(line) for line in text.splitlines())
    return {match["key"]: match["value"] for match in found if match}


def put_block(text: str, options: Mapping[str, str], owned: Callable[[str], bool]) -> Edit:
    """The text with options in the block and no owned key elsewhere. The block stays where it is, or is put at the end."""
    lines = text.splitlines()
    start, stop = _block(lines)
    block = [BEGIN, *("{}={}".format(*pair) for pair in options.items()), END]
    outside = lines[:start] + lines[stop:]
    strays = [line for line in outside if _is_owned(line, owned)]
    head = [line for line in lines[:start] if not _is_owned(line, owned)]
    tail = [line for line in lines[stop:] if not _is_owned(line, owned)]
    return Edit(
        text="\n".join(head + block + tail) + "\n",
        before=_shown(strays + lines[start:stop]),
        after=_shown(block),
        strays=tuple(sorted({_key(line) for line in strays})),
    )


def _block(lines: list[str]) -> tuple[int, int]:
    """Where the block begins and ends; an empty stretch at the end where there is none."""
    marks = [(number, line.strip()) for number, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    if not marks:
        return len(lines), len(lines)
    if [mark for dummy, mark in marks] != [BEGIN, END]:
        raise ConfError(f"the marks of the block are not one pair ({BEGIN}, {END}): restore or remove them")
    return marks[0][0], marks[1][0] + 1


def _is_owned(line: str, owned: Callable[[str], bool]) -> bool:
    return owned(_key(line))


def _key(line: str) -> str:
    match = ENTRY.match(line)
    return match["key"] if match else ""


def _shown(lines: list[str]) -> str:
    return "".join("%s\n" % ((f"{_key(line)}=********") if _key(line).endswith("password") else line) for line in lines)
