# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS: an instance is available when its server answers, under an endpoint name like AWS'; a reboot restarts the server;
a snapshot is available when its data is kept.
AWS: AmazonRDS/latest/UserGuide/accessing-monitoring.html (status), CHAP_CommonTasks.Connect.html (endpoint), USER_RebootInstance.html,
USER_RestoreFromSnapshot.html"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.rds import models

from lab.control_plane.reports import REBOOT, report, reported
from lab.settings import REGION, Lab

DBInstance: Any = models.DBInstance
DBSnapshot: Any = models.DBSnapshot
Backend: Any = models.RDSBackend
GP3_IOPS, GP3_THROUGHPUT = 3000, 125  # MiB/s
SNAPSHOT = "snapshot"  # report: whether the data of a snapshot is kept


def apply(lab: Lab) -> None:
    # One for all instances of an account in a region.
    label = hashlib.sha256(lab.secret_key.encode()).hexdigest()[:12]

    def address(self: Any) -> str:
        return f"{self.db_instance_identifier}.{label}.{self.region}.rds.amazonaws.com"

    def status(self: Any) -> str:
        state = str(self.__dict__["status"])
        running = state == "available" and not self.db_cluster_identifier
        if not running or reported("database", self.db_instance_identifier):
            return state
        return "rebooting" if reported(REBOOT, self.db_instance_identifier) else "creating"

    # What gp3 has where nothing was asked for; amazon.aws.rds_instance fails without them (CHAP_Storage.html, gp3).
    throughput = DBInstance.storage_throughput
    DBInstance.storage_throughput = property(lambda self: throughput.fget(self) or (GP3_THROUGHPUT if _gp3(self) else 0), throughput.fset)
    DBInstance.iops = property(lambda self: self.__dict__["iops"] or (GP3_IOPS if _gp3(self) else None), _set("iops"))
    DBInstance.address = property(address)
    DBInstance.status = property(status, _set("status"))
    _reboots()
    _snapshots()


def _gp3(instance: Any) -> bool:
    # moto asks for iops before it has kept the type.
    return instance.__dict__.get("_storage_type") == "gp3"


def _set(name: str) -> Callable[[Any, Any], None]:
    """The setter of a property that keeps what is set beside it."""
    return lambda self, value: self.__dict__.__setitem__(name, value)


def _reboots() -> None:
    reboot = Backend.reboot_db_instance

    def rebooted(self: Any, db_instance_identifier: str) -> Any:
        report(REBOOT, db_instance_identifier, time.time())
        # At once, or whoever waits for "available" would find the time before.
        report("database", db_instance_identifier, False)
        return reboot(self, db_instance_identifier)

    Backend.reboot_db_instance = rebooted


def _snapshots() -> None:
    """moto calls a snapshot available at once, and forgets of a restored instance what it was restored from."""

    def status(self: Any) -> str:
        return "available" if reported(SNAPSHOT, self.db_snapshot_identifier) else "creating"

    restore = Backend.restore_db_instance_from_db_snapshot

    def restored(self: Any, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        instance = restore(self, from_snapshot_id, overrides)
        instance.lab_snapshot = from_snapshot_id
        return instance

    DBSnapshot.status = property(status, lambda self, value: None)
    Backend.restore_db_instance_from_db_snapshot = restored


def snapshot_of(identifier: str) -> str:
    """The snapshot that an instance was restored from; empty where it was made new. Nothing in the API tells."""
    database: Any = models.rds_backends[DEFAULT_ACCOUNT_ID][REGION].databases[identifier]
    return str(getattr(database, "lab_snapshot", ""))


def master_password(identifier: str) -> str:
    """What only the database itself knows: the API never gives it away."""
    database: Any = models.rds_backends[DEFAULT_ACCOUNT_ID][REGION].databases[identifier]
    return str(database._master_user_password)
