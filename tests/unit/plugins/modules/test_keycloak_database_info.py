# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.modules import keycloak_database_info


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    usual = {"host": "127.0.0.1", "name": "keycloak", "username": "keycloak", "password": "secret-word"}
    with patch_module_args({**usual, **options}), pytest.raises(SystemExit):
        keycloak_database_info.main()
    return json.loads(capsys.readouterr().out)


def test_unreachable(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    result = run(capsys, port=port)

    assert result["failed"]
    assert result["error"] == "unreachable"
    assert "correct host and port" in result["msg"]
    assert "secret-word" not in json.dumps(result)
