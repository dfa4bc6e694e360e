# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to say to the modules where AWS is and who asks, as all modules of amazon.aws take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.modules import autoscaled_service_info

from lab.settings import REGION
from lab.tests.autoscaled import Account, fixture_account, fixture_served  # noqa: F401


def look(account: Account, **where: Any) -> dict[str, Any]:
    return account.run({"name": "nobody"}, module=autoscaled_service_info, where=where)


def test_a_profile_with_its_region_and_keys(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text(f"[portal]\naws_access_key_id = AKIALABPROFILE\naws_secret_access_key = {'s' * 40}\nregion = {REGION}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    found = look(account, profile="portal", endpoint_url=account.served.lab.api_url)
    assert found["autoscaled_services"][0]["exists"] is False
    assert {call["access_key"] for call in account.served.calls} == {"AKIALABPROFILE"}


def test_aws_config_is_passed_on(account: Account) -> None:
    keys = {"access_key": "AKIALABUSER", "secret_key": "s" * 40, "endpoint_url": account.served.lab.api_url}
    said = look(account, **keys, region=REGION, aws_config={"connect_timeout": "soon"})
    assert said["failed"]
    assert not look(account, **keys, region=REGION, aws_config={"connect_timeout": 5}).get("failed")


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"profile": "nobody"}, "The config profile (nobody) could not be found"),
        ({"access_key": "AKIALABUSER", "secret_key": "s" * 40}, "You must specify a region"),
        ({"access_key": "AKIALABUSER", "secret_key": "s" * 40, "region": "not a region"}, "not a region"),
    ],
)
def test_what_cannot_be_reached_is_told_in_a_sentence(
    account: Account, monkeypatch: pytest.MonkeyPatch, where: dict[str, Any], words: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    said = look(account, **where)
    assert said["failed"]
    assert words in said["msg"]
