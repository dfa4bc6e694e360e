# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server process: the AWS API (moto) with its patches, instance metadata, the resolver and the reconcilers."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

# Read by moto when it is imported: none of its 1,291 stock images, which make every DescribeImages take seconds.
os.environ["MOTO_AMIS_PATH"] = os.path.join(os.path.dirname(__file__), "no_images.json")

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from lab import clock
from lab.containers import Containers
from lab.control_plane import imds, names, patches
from lab.control_plane.recorder import Recorder
from lab.reconcilers.base import Loop, create_all
from lab.settings import Lab

log = logging.getLogger(__name__)
HEALTH = "/_lab/health"
RECORDED_BODY = 1 << 20  # bodies above (S3 objects) are none of the recorder's business

StartResponse = Callable[..., Any]


class Api:
    """WSGI: moto, behind the recorder."""

    def __init__(self, lab: Lab, recorder: Recorder) -> None:
        self.lab = lab
        self.recorder = recorder
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == HEALTH:
            return self._health(start_response)
        body = _buffer_body(environ)
        status = 500

        def remember(line: str, *rest: Any) -> Any:
            nonlocal status
            status = int(line.split()[0])
            return start_response(line, *rest)

        try:
            return self.moto(environ, remember)
        finally:
            self.recorder.record(environ, body, status)

    def _health(self, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"lab": self.lab.name, "pid": os.getpid(), "clock": clock.CLOCK.speed}).encode()]


class Handler(MotoRequestHandler):
    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Calls are in the recorder; the log is for trouble."""


def _buffer_body(environ: dict[str, Any]) -> bytes:
    """The request's parameters, left in place for moto."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not 0 < length <= RECORDED_BODY or environ.get("HTTP_EXPECT"):
        return b""
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def serve(lab: Lab) -> None:
    """Runs until SIGTERM."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("werkzeug", "botocore", "urllib3", "docker"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    listeners: list[Callable[[], None]] = []

    def changed() -> None:
        for listener in listeners:
            listener()

    clock.CLOCK.speed = clock.speed()
    patches.apply_all(lab)
    api = Api(lab, Recorder(lab.state / "calls.jsonl", changed))
    for address in ("127.0.0.1", lab.gateway):
        _in_thread(make_server(address, lab.api_port, api, threaded=True, request_handler=Handler))
    imds.start(lab)
    resolver = names.start(lab)
    loops = [Loop(reconciler) for reconciler in create_all(lab, Containers(lab, changed=changed))]
    listeners += [resolver.forget, *(loop.wake for loop in loops)]
    for loop in loops:
        loop.start()
    log.info("lab %s serves %s and %s", lab.name, lab.api_url, lab.node_api_url)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()


def _in_thread(server: BaseWSGIServer) -> None:
    threading.Thread(target=server.serve_forever, name=f"api-{server.host}", daemon=True).start()
