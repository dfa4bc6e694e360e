# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service that the proof of Auto Scaling runs on its instances, and the traffic against it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.clients.http_traffic import Request, Traffic
from lab.service import serve, user_data


@pytest.fixture
def traffic(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traffic]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lab: Any = None
    made = Traffic(lab, "web", server.server_address[1])
    monkeypatch.setattr(made, "addresses", lambda: ["127.0.0.1"])
    yield made
    server.shutdown()
    server.server_close()


def test_the_service_says_its_version_and_whether_it_is_well(traffic: Traffic, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serve, "VERSION", "7")
    assert (traffic.ask().status, traffic.ask("/work?seconds=0.01").version) == (200, "7")
    monkeypatch.setattr(serve, "UNWELL", str(tmp_path / "unwell"))
    assert traffic.ask("/health").status == 200
    (tmp_path / "unwell").touch()
    assert traffic.ask("/health").status == 503


def test_every_request_is_kept_with_how_it_ended(traffic: Traffic) -> None:
    with traffic.steady(rate=50.0, workers=2):
        while len(traffic.requests) < 5:
            threading.Event().wait(0.01)
    assert {request.status for request in traffic.requests} == {200}
    traffic.requests += [Request(10.0, 0.1, 0), Request(20.0, 0.1, 503)]
    assert [request.began for request in traffic.failed()] == [10.0, 20.0]
    assert [request.began for request in traffic.failed(since=15.0)] == [20.0]


def test_a_refused_connection_is_a_failed_request(monkeypatch: pytest.MonkeyPatch) -> None:
    lab: Any = None
    nobody = Traffic(lab, "web", 1)
    monkeypatch.setattr(nobody, "addresses", lambda: ["127.0.0.1"])
    assert nobody.ask().status == 0


def test_user_data() -> None:
    text = user_data.render("web", "2", "http://10.99.0.1:1", broken=True)
    assert text.startswith("#cloud-config\n")
    assert len(text) < 16384  # AWS' limit, before base64
    config = yaml.safe_load(text)
    files = {one["path"]: one for one in config["write_files"]}
    assert "Environment=SERVICE_VERSION=2 SERVICE_BROKEN=yes" in files["/etc/systemd/system/service.service"]["content"]
    ready = files["/usr/local/sbin/ready"]
    assert ready["permissions"] == "0755"
    assert '"http://10.99.0.1:1/"' in ready["content"]
    assert "LifecycleHookName=boot" in ready["content"]
    assert "{" not in ready["content"].replace("metadata() {", "").replace("key() {", "")
