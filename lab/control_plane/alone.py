# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane without hosts: for tests and measurements of API calls. Calls can be made to fail, as AWS makes them.

python -m lab.control_plane.alone prints its address and serves until its standard input ends.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from werkzeug.serving import make_server

from lab.auto_scaling import machine
from lab.auto_scaling.model import STORE
from lab.auto_scaling.world import Clients
from lab.control_plane import patches
from lab.control_plane.recorder import Recorder, describe, is_read
from lab.control_plane.server import Api, Handler, StartResponse, _buffer_body
from lab.settings import INTERNAL_KEY, Lab, free_port

log = logging.getLogger(__name__)
TICK = 0.2
CLIENTS = {"elasticloadbalancing": "elbv2", "monitoring": "cloudwatch"}  # services whose clients have other names


@dataclass
class Fault:
    """The next `times` calls of `action` are answered with an error."""

    action: str
    code: str
    message: str
    times: int


class FaultyApi(Api):
    def __init__(self, lab: Lab, recorder: Recorder) -> None:
        super().__init__(lab, recorder)
        self.faults: list[Fault] = []
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        fault = self._fault(environ)
        if fault is None:
            return super().__call__(environ, start_response)
        error = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>"
        ec2 = "/ec2/" in environ.get("HTTP_AUTHORIZATION", "")
        text = f"<Response><Errors>{error}</Errors></Response>" if ec2 else f"<ErrorResponse>{error}</ErrorResponse>"
        start_response("400 Bad Request", [("Content-Type", "text/xml")])
        return [text.encode()]

    def _fault(self, environ: dict[str, Any]) -> Fault | None:
        if not self.faults:
            return None
        body = _buffer_body(environ)
        call = describe(environ, body)
        with self.lock:
            for fault in self.faults:
                if fault.action == call["action"] and fault.times > 0 and call["access_key"] != INTERNAL_KEY:
                    fault.times -= 1
                    self.recorder.record(environ, body, 400)
                    return fault
        return None


class Alone:
    """A control plane that is served."""

    def __init__(self, lab: Lab, api: FaultyApi) -> None:
        self.lab = lab
        self.api = api

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Those of the product, not the lab's own."""
        return [call for call in self.api.recorder.calls if call["access_key"] != INTERNAL_KEY]

    @property
    def reads(self) -> list[str]:
        return [name_of(call) for call in self.calls if is_read(call["action"])]

    @property
    def changes(self) -> list[str]:
        """Those that were not refused."""
        return [name_of(call) for call in self.calls if not is_read(call["action"]) and call["status"] < 400]

    def forget(self) -> None:
        self.api.recorder.calls.clear()

    def reset(self) -> None:
        """An empty account."""
        STORE.reset()
        requests.post(self.lab.api_url + "/moto-api/reset", timeout=10)
        self.api.faults.clear()
        self.forget()

    def fail(self, action: str, code: str, message: str = "not now", times: int = 1) -> None:
        self.api.faults.append(Fault(action, code, message, times))


def name_of(call: dict[str, Any]) -> str:
    return f"{CLIENTS.get(call['service'], call['service'])}:{call['action']}"


@contextmanager
def alone(state: Path) -> Iterator[Alone]:
    STORE.reset()
    lab = Lab(root=state, name="lab-alone", octet=99, api_port=free_port(), access_key="AKIALABALONE", secret_key="s" * 40)
    patch_once(lab)
    api = FaultyApi(lab, Recorder(state / "calls.jsonl", lambda: None))
    server = make_server("127.0.0.1", lab.api_port, api, threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ended = threading.Event()
    ticker = threading.Thread(target=_tick, args=(Clients(lab.client, most_launches=10_000), ended), daemon=True)
    ticker.start()
    try:
        yield Alone(lab, api)
    finally:
        ended.set()
        ticker.join()
        server.shutdown()
        server.server_close()


def patch_once(lab: Lab, applied: list[bool] = []) -> None:  # noqa: B006
    """Several in one process, as tests have them, share moto and its patches."""
    if not applied:
        patches.apply_all(lab)
        applied.append(True)


def _tick(world: Clients, ended: threading.Event) -> None:
    while not ended.wait(TICK):
        if STORE.groups:
            try:
                machine.once(world)
            except Exception:  # an account may be emptied under it; the next tick looks again
                log.exception("a tick of Auto Scaling")


def main() -> None:
    with tempfile.TemporaryDirectory() as state, alone(Path(state)) as served:
        print(served.lab.api_url, Path(state) / "calls.jsonl", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
