# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what a browser finds in one of Keycloak's pages, or in a page that asks to wait and reload. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

# Where Keycloak's login themes (keycloak and keycloak.v2) write what went wrong.
MESSAGE_ID = re.compile(r"^(input-error|kc-error-message)")
MESSAGE_CLASS = re.compile(r"(kc-feedback-text|alert__title|instruction)")
RELOAD = re.compile(r"^\s*(\d+(?:\.\d*)?|\.\d+)\s*(?:[;,]\s*(?:url\s*=\s*)?[\"']?(.*?)[\"']?\s*)?$", re.IGNORECASE)
# Elements without an end tag: they must not be waited for.
VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")


@dataclass(frozen=True)
class Page:
    title: str = ""
    message: str = ""
    login_action: str = ""
    reload_after: float | None = None
    reload_url: str = ""


def read_page(html: str) -> Page:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(_words(reader.title), _words(reader.message), reader.login_action, reader.reload_after, reader.reload_url)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.message: list[str] = []
        self.login_action = ""
        self.reload_after: float | None = None
        self.reload_url = ""
        self._in_title = False
        self._message_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("id") == "kc-form-login":
            self.login_action = given.get("action", "")
        elif tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self._read_reload(given.get("content", ""))
        elif tag == "title":
            self._in_title = True
        if tag in VOID:
            return
        if self._message_depth or MESSAGE_ID.match(given.get("id", "")) or MESSAGE_CLASS.search(given.get("class", "")):
            self._message_depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._message_depth and tag not in VOID:
            self._message_depth -= 1

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)
        if self._message_depth:
            self.message.append(data)

    def _read_reload(self, content: str) -> None:
        match = RELOAD.match(content)
        if match:
            self.reload_after = float(match.group(1))
            self.reload_url = match.group(2) or ""


def _words(pieces: list[str]) -> str:
    return " ".join("".join(pieces).split())[:200]
