# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elastic Load Balancing v2: a balancer's name is unique, and the same balancer asked for again is the one that there is.
AWS: elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html ("This operation is idempotent", "DuplicateLoadBalancerName")"""

from __future__ import annotations

import threading
from typing import Any

from moto.elbv2 import models
from moto.elbv2.exceptions import DuplicateLoadBalancerName

from lab.settings import Lab

Backend: Any = models.ELBv2Backend


def apply(_: Lab) -> None:
    create, lock = Backend.create_load_balancer, threading.Lock()

    def created(self: Any, **asked: Any) -> Any:
        with lock:
            for balancer in self.load_balancers.values():
                if balancer.name == asked["name"]:
                    same = {subnet.id for subnet in balancer.subnets} == set(asked["subnet_ids"])
                    if same and balancer.type == (asked["loadbalancer_type"] or "application"):
                        return balancer
                    raise DuplicateLoadBalancerName()
            return create(self, **asked)

    Backend.create_load_balancer = created
