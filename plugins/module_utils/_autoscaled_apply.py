# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: makes the API calls of a plan, side by side where it can, and outlasts eventual consistency."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

try:
    from botocore import xform_name
    from botocore.exceptions import ClientError
except ImportError:
    pass  # AnsibleAWSModule says so

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Plan, ServiceError, Step, resolved
from ansible_collections.aiportal.scaling.plugins.module_utils._aws_read import Clients, code_of, is_missing, message_of

# Another run made the same thing first: read again and plan the rest.
RACED = {
    "AlreadyExists",
    "AlreadyExistsFault",
    "DuplicateListener",
    "DuplicateLoadBalancerName",
    "DuplicateTargetGroupName",
    "InvalidLaunchTemplateName.AlreadyExistsException",
    "PriorityInUse",
}
# What ends by itself within seconds: the group is busy with another change, or a balancer still holds what was detached.
BUSY = {"DependencyViolation", "ResourceContention", "ResourceInUse", "ScalingActivityInProgress"}
NOT_YET = re.compile(r"not found|does not exist|not exist|not valid|invalid iam instance profile|launch template", re.IGNORECASE)
PATIENCE = 60.0  # seconds; AWS names no bound, IAM takes the longest
HINTS = {
    "AccessDenied": "allow the action to whoever runs this",
    "UnauthorizedOperation": "allow the action to whoever runs this",
    "LimitExceeded": "ask for a higher service quota, or remove what is not needed",
    "VcpuLimitExceeded": "ask for a higher service quota, or remove what is not needed",
}


class Raced(Exception):
    """Somebody else makes the same component at this moment."""


class CallFailed(ServiceError):
    """Which resource, what AWS said, and what to do."""


class Apply:
    """Runs the steps of one plan. `until` waits for the condition that a step names."""

    def __init__(self, clients: Clients, until: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> None:
        self.clients = clients
        self.until = until
        self.sleep = sleep
        self.answers: dict[str, Api] = {}
        self.done: list[Step] = []

    def run(self, plan: Plan) -> None:
        """A step starts when those that it waits for are done. The first failure ends it, once those under way have ended."""
        waiting = {step.key: step for step in plan.steps}
        needs = {key: step.needs & waiting.keys() for key, step in waiting.items()}
        running: dict[Future[Api], Step] = {}
        failure: BaseException | None = None
        with ThreadPoolExecutor(max_workers=8) as pool:
            while running or (waiting and failure is None):
                ready = [] if failure else [key for key in waiting if needs[key] <= self.answers.keys()]
                running.update({pool.submit(self._call, waiting[key], bool(needs[key])): waiting.pop(key) for key in ready})
                ended, dummy = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    step = running.pop(future)
                    if future.exception() is None:
                        self.answers[step.key] = future.result()
                        self.done.append(step)
                    else:
                        failure = failure or future.exception()
        if failure:
            raise failure

    def _call(self, step: Step, fresh: bool) -> Api:
        service, dummy, action = step.call.partition(":")
        call = getattr(self.clients[service], xform_name(action))
        answer = self._patiently(step, lambda: call(**resolved(step.parameters, self.answers), aws_retry=True), fresh)
        if step.until:
            self.until(step.until)
        return answer

    def _patiently(self, step: Step, call: Callable[[], Api], fresh: bool) -> Api:
        """Some errors mean "not yet": what this run made is not seen everywhere, or the group is busy."""
        pause, spent = 0.2, 0.0
        while True:
            try:
                return call()
            except ClientError as error:
                if _removes(step) and is_missing(error):
                    return {}  # gone is what it shall be
                if code_of(error) in RACED:
                    raise Raced(str(error)) from error
                if spent >= PATIENCE or not _passes(error, fresh):
                    raise CallFailed(_sentence(step, error)) from error
            nap = pause * random.uniform(0.5, 1.0)
            self.sleep(nap)
            pause, spent = min(pause * 2, 5.0), spent + nap


def _removes(step: Step) -> bool:
    return step.call.partition(":")[2].startswith(("Delete", "Detach"))


def _passes(error: Any, fresh: bool) -> bool:
    """`fresh`: the step refers to what this very run has made."""
    code = code_of(error)
    if code in BUSY:
        return True
    return fresh and (
        is_missing(error) or (code in ("ValidationError", "InvalidParameterValue") and bool(NOT_YET.search(message_of(error))))
    )


def _sentence(step: Step, error: Any) -> str:
    code = code_of(error)
    hint = next((text for key, text in HINTS.items() if code.startswith(key)), "correct the option that it names and run again")
    return f"could not {step.key}: {step.call} answered {code}: {message_of(error).rstrip('.')}; {hint}"
