# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command: up, down, status, logs, shell, images."""

from __future__ import annotations

import argparse
import collections
import json
import os
import subprocess
import sys
from collections.abc import Sequence

from lab import artifacts, images, life, settings, status
from lab.settings import Lab

LINES = 200


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except RuntimeError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough; without this Python complains when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m lab", description="An AWS with an emulated control plane and real hosts in containers.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    command("up", lambda _: life.up(), "start the lab and the portal in it; changes nothing when it is up")
    command("down", lambda _: life.down(), "end it, leave nothing")
    command("status", _status, "table of resources, addresses and states")
    logs = command("logs", _logs, "the server's log and what was called; or the journal of one host")
    logs.add_argument("resource", nargs="?", help="Name tag, id or address of a host")
    shell = command("shell", _shell, "a root shell on a host")
    shell.add_argument("node", help="Name tag, id or address of the host")
    command("images", _images, "build the images that are absent; list all, and the archive they were made of")
    command("serve", _serve, "run the lab's server (done by up)")
    return top


def _running() -> Lab:
    lab = settings.load()
    if lab is None or life.server_pid(lab) is None:
        raise RuntimeError("the lab is not running; start it by `python -m lab up`")
    return lab


def _status(_: argparse.Namespace) -> None:
    print(status.table(status.rows(_running())), flush=True)


def _logs(arguments: argparse.Namespace) -> None:
    if arguments.resource:
        name = status.container_of(_running(), arguments.resource)
        if subprocess.run(["docker", "exec", name, "journalctl", "--no-pager", f"--lines={LINES}"]).returncode != 0:
            subprocess.run(["docker", "logs", f"--tail={LINES}", name])
        return
    state = settings.ROOT / "build" / "lab"
    calls = [json.loads(line) for line in (state / "calls.jsonl").read_text().splitlines()] if (state / "calls.jsonl").exists() else []
    print(call_summary(calls), flush=True)
    log = state / "server.log"
    print("\n".join(log.read_text().splitlines()[-LINES:]) if log.exists() else "no server was started yet")


def call_summary(calls: Sequence[dict[str, object]]) -> str:
    """How often each action was called and how often refused; those that are not implemented first, by name."""
    named = [(f"{call['service']} {call['action']}", int(str(call["status"]))) for call in calls]
    counts = collections.Counter(name for name, _ in named)
    refused = collections.Counter(name for name, code in named if code >= 400)
    lines = [f"not implemented or broken: {name}" for name in sorted({name for name, code in named if code >= 500})]
    lines += [f"{number:6} {refused[name]:4} refused  {name}" for name, number in sorted(counts.items())]
    return "\n".join(lines)


def _shell(arguments: argparse.Namespace) -> None:
    name = status.container_of(_running(), arguments.node)
    terminal = ["-it"] if sys.stdin.isatty() else ["-i"]
    os.execvp("docker", ["docker", "exec", *terminal, name, "bash", "--login"])


def _images(_: argparse.Namespace) -> None:
    images.ensure_all()
    for name in images.IMAGES:
        print(name, images.reference(name))
    print("archive", artifacts.fetch(artifacts.KEYCLOAK))


def _serve(_: argparse.Namespace) -> None:
    lab = settings.load()
    if lab is None:
        raise RuntimeError("there is nothing to serve: `up` makes build/lab/lab.json")
    from lab.control_plane import server  # moto takes a second to import: only this command needs it

    server.serve(lab)
