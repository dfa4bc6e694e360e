# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real requests to servers in this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError, Response, bearer, behind_balancer


class Echo(BaseHTTPRequestHandler):
    """Answers with the request as it came; a path that names a status gets that status."""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        status = int(self.path[1:4]) if self.path[1:4].isdigit() else 200
        lines = [
            f"{self.command} {self.path}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            self.rfile.read(length).decode(),
        ]
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write("\n".join(lines).encode())

    do_POST = do_GET

    def log_message(self, *dummy: object) -> None:
        pass


@pytest.fixture(name="port")
def fixture_port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_asks_another_address_under_the_name_of_the_service(port: int) -> None:
    answer = Http("http://auth.example/base", connect_to=f"127.0.0.1:{port}", headers={"X-A": "1"}).request(
        "GET", "/x?y=1", headers={"X-B": "2"}
    )
    assert answer.status == 200
    assert answer.text.splitlines()[0] == "GET /base/x?y=1"
    assert {"Host: auth.example", "Connection: close", "X-A: 1", "X-B: 2"} <= set(answer.text.splitlines())


def test_asks_for_the_address_at_each_request(port: int) -> None:
    addresses = iter([f"127.0.0.1:{port}", "127.0.0.1:1"])
    http = Http("http://auth.example", connect_to=lambda: next(addresses))
    assert http.request("GET", "/").status == 200
    with pytest.raises(HttpError, match=r"127\.0\.0\.1:1: connection refused"):
        http.request("GET", "/")


def test_looks_to_a_node_like_the_balancer_in_front_of_it(port: int) -> None:
    lines = behind_balancer("https://auth.example", "127.0.0.1", port).request("GET", "/").text.splitlines()
    assert {"Host: auth.example", "X-Forwarded-Proto: https", "X-Forwarded-Host: auth.example", "X-Forwarded-Port: 443"} <= set(lines)


def test_follows_no_redirect_and_keeps_every_cookie_header(port: int) -> None:
    answer = Http(f"http://127.0.0.1:{port}").request("GET", "/302")
    assert (answer.status, answer.header("LOCATION"), answer.all_headers("set-cookie")) == (302, "/elsewhere", ["a=1", "b=2"])


def test_sends_forms_and_json(port: int) -> None:
    http = Http(f"http://127.0.0.1:{port}")
    form = http.form("POST", "/", {"a": "b c", "d": "&"}).text
    assert "Content-Type: application/x-www-form-urlencoded" in form
    assert form.endswith("\na=b+c&d=%26")
    assert http.json("POST", "/", {"a": 1}).text.endswith('\n{"a": 1}')
    assert "Content-Type" not in http.json("GET", "/").text


def test_an_answer_that_is_not_json_is_named() -> None:
    with pytest.raises(HttpError, match="status 502 is not JSON: <html>Bad Gateway"):
        Response(502, [], "<html>Bad Gateway").json()


def test_names_a_refused_connection(port: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
        with pytest.raises(HttpError, match=f"^GET auth.example at 127.0.0.1:{closed}: connection refused$"):
            Http("http://auth.example", connect_to=f"127.0.0.1:{closed}").request("GET", "/", headers=bearer("secret-token"))


def test_names_a_server_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(HttpError, match="no answer in time"):
        Http(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2).request("GET", "/")


def test_names_a_server_that_breaks_off() -> None:
    def hang_up() -> None:
        rude.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as rude:
        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(HttpError, match="connection broken off"):
            Http(f"http://127.0.0.1:{rude.getsockname()[1]}").request("GET", "/")


def test_names_a_server_that_does_not_speak_tls(port: int) -> None:
    with pytest.raises(HttpError, match="TLS failed"):
        Http("https://auth.example", connect_to=f"127.0.0.1:{port}").request("GET", "/")


@pytest.mark.parametrize("url", ["auth.example", "ftp://auth.example", "https://"])
def test_refuses_what_is_no_base_url(url: str) -> None:
    with pytest.raises(ValueError, match="base_url must be"):
        Http(url)
