# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS snapshots -> copies of the data of their instances, as of the moment when they were asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.containers import Containers
from lab.control_plane.patches.rds import SNAPSHOT
from lab.control_plane.reports import report
from lab.execution import STDERR, Execution
from lab.settings import Lab

# The write-ahead log goes into the copy, so that it is consistent by itself.
COPY = ["runuser", "-u", "postgres", "--", "pg_basebackup", "-h", "/run/postgresql", "-U", "rdsadmin"]
OPTIONS = ["-D", "-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--no-manifest"]


class Snapshots:
    kind = SNAPSHOT
    watches = False

    def __init__(self, lab: Lab, containers: Containers) -> None:
        self.lab, self.containers, self.rds = lab, containers, lab.client("rds")

    def reconcile(self) -> None:
        wanted = {snapshot["DBSnapshotIdentifier"]: snapshot for snapshot in self.rds.describe_db_snapshots()["DBSnapshots"]}
        for file in folder(self.lab).glob("*.tar"):
            if file.stem not in wanted:
                file.unlink()
        for identifier, snapshot in wanted.items():
            if not path(self.lab, identifier).exists():
                self._copy(identifier, snapshot)
            report(self.kind, identifier, True)

    def _copy(self, identifier: str, snapshot: dict[str, Any]) -> None:
        container = self.containers.find(f"rds-{snapshot['DBInstanceIdentifier']}")
        if container is None:
            raise RuntimeError(f"the instance of snapshot {identifier} is gone")
        draft = path(self.lab, identifier).with_suffix(".draft")
        execution = Execution(container, [*COPY, *OPTIONS])
        with draft.open("wb") as file:
            for stream, piece in execution.output():
                if stream == STDERR:
                    raise RuntimeError(f"snapshot {identifier}: {piece.decode(errors='replace').strip()}")
                file.write(piece)
        if execution.exit_code() != 0:
            raise RuntimeError(f"snapshot {identifier}: pg_basebackup failed")
        draft.rename(path(self.lab, identifier))


def folder(lab: Lab) -> Path:
    made = lab.state / "snapshots"
    made.mkdir(exist_ok=True, mode=0o700)
    return made


def path(lab: Lab, identifier: str) -> Path:
    return folder(lab) / f"{identifier}.tar"


def create(lab: Lab, containers: Containers) -> Snapshots:
    return Snapshots(lab, containers)
