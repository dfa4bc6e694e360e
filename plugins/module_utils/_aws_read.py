# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: clients of AWS, made when they are first needed, and reads that take "not there" for an answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so

from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry, RetryingBotoClientWrapper

Api = Mapping[str, Any]
# No service has one name for it; the Auto Scaling API has none and says it in words.
MISSING = re.compile(r"NotFound|NoSuchEntity|ResourceNotFound")
MISSING_WORDS = re.compile(r"not found|does not exist|not exist", re.IGNORECASE)


class Clients:
    """One client per service. Making one is not thread-safe in boto3 and takes a while, using one is safe."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __getitem__(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]


def clients_of(module: Any) -> Clients:
    """Clients of an AnsibleAWSModule that call again for a while when AWS throttles; these two codes amazon.aws does not know.

    All of one session: where each service has its own, as from `module.client`, each parses the same descriptions of AWS again, which
    is a tenth of what a run without changes takes.
    """
    retry = AWSRetry.jittered_backoff(retries=8, catch_extra_error_codes=["ThrottlingException", "RequestThrottled"])
    region, endpoint, given = get_aws_connection_info(module)
    asked, profile = given.pop("aws_config", None), given.pop("profile_name", None)
    sessions: list[Any] = []  # made with the first client, whose errors are told alike

    def make(service: str) -> Any:
        try:
            if not sessions:
                sessions.append(boto3.session.Session(profile_name=profile))
            config = Config(user_agent_extra="aiportal.scaling")
            where = {"region_name": region, "endpoint_url": endpoint, "config": config.merge(asked) if asked else config}
            return RetryingBotoClientWrapper(sessions[0].client(service, **where, **given), retry)
        except (BotoCoreError, ValueError) as error:
            module.fail_json_aws(error, msg="Could not connect to AWS")

    return Clients(make)


def code_of(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def is_missing(error: Any) -> bool:
    code = code_of(error)
    return bool(MISSING.search(code) or (code == "ValidationError" and MISSING_WORDS.search(message_of(error))))


def pages(client: Any, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
    """All pages, each retried on its own, as paginators of botocore do not pass through the retries of amazon.aws."""
    paginator = client.get_paginator(operation)
    token_in, token_out = paginator._pagination_cfg["input_token"], paginator._pagination_cfg["output_token"]
    found: list[dict[str, Any]] = []
    while True:
        answer = getattr(client, operation)(aws_retry=True, **parameters)
        found += answer.get(key, [])
        token = answer.get(token_out)
        if not token:
            return found
        parameters = {**parameters, token_in: token}


def unless_missing(ask: Callable[..., Any], *arguments: Any, **parameters: Any) -> Any:
    """None if what is asked about does not exist."""
    try:
        return ask(*arguments, **parameters)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def filters(**named: Iterable[str]) -> list[dict[str, Any]]:
    return [{"Name": name.replace("_", "-"), "Values": list(values)} for name, values in named.items()]


def chunks(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
