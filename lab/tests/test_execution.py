# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Against a socket that answers as the engine does on a busy machine: the headers and all output in one piece."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.errors import APIError

from lab.execution import FRAME, STDERR, STDOUT, Execution, run


class Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # sends once, at the end
    status = 200
    exit_codes: Iterator[int | None] = iter([])
    pieces = ((STDOUT, b"17\n"), (STDERR, b""), (STDOUT, b"x" * 300_000), (STDERR, b"a notice\n"))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/containers/c/exec"):
            self.answer(201, json.dumps({"Id": "e", "asked": asked["Cmd"]}).encode())
        elif self.status != 200:
            self.answer(self.status, b'{"message": "container c is paused"}')
        else:
            assert self.path.endswith("/exec/e/start")
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.docker.raw-stream")
            self.end_headers()
            self.wfile.write(b"".join(FRAME.pack(stream, len(piece)) + piece for stream, piece in self.pieces))
            self.close_connection = True

    def do_GET(self) -> None:
        self.answer(200, json.dumps({"ExitCode": next(self.exit_codes)}).encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "engine"  # a Unix socket's client has no address

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(Engine, "exit_codes", iter([None, None, 3]))
    socket = tmp_path / "engine.sock"
    with ThreadingUnixStreamServer(str(socket), Engine) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        with docker.APIClient(base_url=f"unix://{socket}", version="1.41") as api:
            yield SimpleNamespace(id="c", client=SimpleNamespace(api=api))
        server.shutdown()


def test_output_that_came_with_the_headers_is_not_lost(container: Any) -> None:
    assert run(container, ["true"]) == (3, b"17\n" + b"x" * 300_000 + b"a notice\n")


def test_streams_are_told_apart(container: Any) -> None:
    assert list(Execution(container, ["true"]).output()) == list(Engine.pieces)


def test_a_refusal_is_the_engines_own(container: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "status", 409)
    with pytest.raises(APIError, match="container c is paused"):
        run(container, ["true"])
