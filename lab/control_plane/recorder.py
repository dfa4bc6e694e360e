# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every API call the product makes: who, what, with which parameters, answered how."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lab.settings import INTERNAL_KEY

READS = ("Describe", "List", "Get", "Head", "Lookup", "BatchGet", "Search")
CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")
SECRET = re.compile("secret(string|binary)|password", re.IGNORECASE)
KEPT = 20_000


class Recorder:
    """Writes calls.jsonl and calls `wake` after each call that may have changed something."""

    def __init__(self, path: Path, wake: Callable[[], None]) -> None:
        self.calls: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._wake = wake
        self._lock = threading.Lock()
        self._file = path.open("w", buffering=1)

    def record(self, environ: dict[str, Any], body: bytes, status: int) -> None:
        call = describe(environ, body)
        read = is_read(call["action"])
        if status >= 500 or not (read and call["access_key"] == INTERNAL_KEY):
            call["status"] = status
            with self._lock:
                self.calls.append(call)
                self._file.write(json.dumps(call) + "\n")
        if not read and status < 400:
            self._wake()


def is_read(action: str) -> bool:
    return action.startswith(READS)


def describe(environ: dict[str, Any], body: bytes) -> dict[str, Any]:
    """The call as data; secrets that parameters carry stay out of the record."""
    match = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    key, service = match.groups() if match else ("anonymous", "s3")
    action, sent = _action(environ, body)
    parameters = {name: "(hidden)" if SECRET.search(name) else value for name, value in sent.items()}
    return {
        "time": round(time.time(), 3),
        "service": service,
        "action": action,
        "parameters": parameters,
        "access_key": key,
        "source": environ.get("REMOTE_ADDR", ""),
    }


def _action(environ: dict[str, Any], body: bytes) -> tuple[str, dict[str, Any]]:
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:  # JSON protocols
        return target.rsplit(".", 1)[-1], _json(body)
    form = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):  # query protocols
        form.update(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    if "Action" in form:
        return form.pop("Action"), {name: value for name, value in form.items() if name != "Version"}
    # REST protocols (S3, Route 53): the method names the kind of action well enough.
    method = environ["REQUEST_METHOD"]
    verb = {"GET": "Get", "HEAD": "Head", "PUT": "Put", "POST": "Post", "DELETE": "Delete"}.get(method, method)
    return f"{verb} {environ.get('PATH_INFO', '/')}", form


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
