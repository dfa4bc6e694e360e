# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a container, and all of its output.

The SDK has exec_start and exec_run for that, which lose output: they read from the socket, and what the HTTP library has read from it
together with the answer's headers is gone (docker/docker-py#3332). On a busy machine 6 of 800 commands ended well and said nothing.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Sequence

import requests
from docker.errors import create_api_error_from_http_exception
from docker.models.containers import Container

FRAME = struct.Struct(">BxxxL")  # before each piece of output: which stream it is of, and its length in bytes
STDOUT, STDERR = 1, 2
CONNECT_SECONDS = 60
EXIT_PAUSE = 0.05


class Execution:
    def __init__(self, container: Container, argv: Sequence[str]) -> None:
        self._api = container.client.api
        self._id = self._api.exec_create(container.id, list(argv))["Id"]

    def output(self) -> Iterator[tuple[int, bytes]]:
        """Starts it; each piece with its stream, until it has ended."""
        url = f"{self._api.base_url}/v{self._api.api_version}/exec/{self._id}/start"
        options = {"Detach": False, "Tty": False}
        # A command may be silent for as long as it likes.
        with self._api.post(url, json=options, stream=True, timeout=(CONNECT_SECONDS, None)) as response:
            try:
                response.raise_for_status()
            except requests.HTTPError as error:
                create_api_error_from_http_exception(error)
            while len(header := response.raw.read(FRAME.size)) == FRAME.size:
                stream, length = FRAME.unpack(header)
                yield stream, response.raw.read(length)

    def exit_code(self) -> int:
        """Of one whose output has ended. The engine learns of both on different ways, and may have no exit code yet."""
        while (code := self._api.exec_inspect(self._id)["ExitCode"]) is None:
            time.sleep(EXIT_PAUSE)
        return int(code)


def run(container: Container, argv: Sequence[str]) -> tuple[int, bytes]:
    """Exit code, and what it wrote to either stream."""
    execution = Execution(container, argv)
    said = b"".join(piece for dummy, piece in execution.output())
    return execution.exit_code(), said
