# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service, on the node: / says who answers, /health whether it serves, /work?seconds=S uses the processor. Standard library only."""

from __future__ import annotations

import http.server
import json
import os
import socket
import time
import urllib.parse

VERSION = os.environ.get("SERVICE_VERSION", "0")
BROKEN = os.environ.get("SERVICE_BROKEN", "")
UNWELL = "/run/service-unwell"  # while this file is there the service fails its health check


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/health":
            well = not BROKEN and not os.path.exists(UNWELL)
            self._answer(200 if well else 503, {"well": well})
            return
        if url.path == "/work":
            self._work(float(urllib.parse.parse_qs(url.query).get("seconds", ["0.1"])[0]))
        self._answer(200, {"version": VERSION, "host": socket.gethostname(), "client": self.client_address[0]})

    def _work(self, seconds: float) -> None:
        """Processor time, not time: a busy machine does not make the work less."""
        end = time.thread_time() + min(seconds, 5.0)
        while time.thread_time() < end:
            sum(range(1000))

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
