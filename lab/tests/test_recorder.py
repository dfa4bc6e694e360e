# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from lab.control_plane.recorder import Recorder, describe
from lab.settings import INTERNAL_KEY

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def environ(service: str = "ec2", key: str = "AKIAUSER", **more: str) -> dict[str, Any]:
    signature = f"AWS4-HMAC-SHA256 Credential={key}/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host"
    return {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_AUTHORIZATION": signature, "REMOTE_ADDR": "10.9.0.4", **more}


@pytest.mark.parametrize(
    ("request_", "body", "action", "parameters"),
    [
        pytest.param(
            environ(CONTENT_TYPE=FORM),
            urlencode({"Action": "RunInstances", "Version": "2016-11-15", "ImageId": "ami-1"}).encode(),
            "RunInstances",
            {"ImageId": "ami-1"},
            id="query protocol",
        ),
        pytest.param(
            environ("secretsmanager", HTTP_X_AMZ_TARGET="secretsmanager.CreateSecret"),
            b'{"Name": "a", "SecretString": "hunter2"}',
            "CreateSecret",
            {"Name": "a", "SecretString": "(hidden)"},
            id="JSON protocol, secret hidden",
        ),
        pytest.param(
            environ("rds", CONTENT_TYPE=FORM),
            urlencode({"Action": "CreateDBInstance", "MasterUserPassword": "hunter2"}).encode(),
            "CreateDBInstance",
            {"MasterUserPassword": "(hidden)"},
            id="password hidden",
        ),
        pytest.param(environ("s3", REQUEST_METHOD="PUT", PATH_INFO="/b/k"), b"", "Put /b/k", {}, id="REST protocol"),
    ],
)
def test_a_call_as_data(request_: dict[str, Any], body: bytes, action: str, parameters: dict[str, str]) -> None:
    call = describe(request_, body)
    assert (call["action"], call["parameters"], call["access_key"]) == (action, parameters, "AKIAUSER")


@pytest.mark.parametrize(
    ("action", "key", "status", "recorded", "woken"),
    [
        ("DescribeInstances", "AKIAUSER", 200, True, False),
        ("RunInstances", "AKIAUSER", 200, True, True),
        ("RunInstances", "AKIAUSER", 400, True, False),
        ("RunInstances", INTERNAL_KEY, 200, True, True),
        ("DescribeInstances", INTERNAL_KEY, 200, False, False),
        ("DescribeInstances", INTERNAL_KEY, 500, True, False),
    ],
)
def test_what_is_recorded_and_what_wakes(tmp_path: Path, action: str, key: str, status: int, recorded: bool, woken: bool) -> None:
    woke: list[bool] = []
    recorder = Recorder(tmp_path / "calls.jsonl", lambda: woke.append(True))
    recorder.record(environ(key=key, CONTENT_TYPE=FORM), urlencode({"Action": action}).encode(), status)
    written = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [call["action"] for call in written] == ([action] if recorded else [])
    assert bool(woke) is woken
