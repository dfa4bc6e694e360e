# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from typing import Any

import pytest

from lab.control_plane.imds import lookup, make_token, metadata, valid_token

INSTANCE: dict[str, Any] = {
    "InstanceId": "i-1",
    "ImageId": "ami-1",
    "InstanceType": "t3.small",
    "PrivateIpAddress": "10.9.0.4",
    "PrivateDnsName": "ip-10-9-0-4.eu-west-1.compute.internal",
    "SubnetId": "subnet-1",
    "VpcId": "vpc-1",
    "Placement": {"AvailabilityZone": "eu-west-1a"},
    "NetworkInterfaces": [{"MacAddress": "02:00:00:00:00:01"}],
    "SecurityGroups": [{"GroupName": "a"}, {"GroupName": "b"}],
    "MetadataOptions": {"InstanceMetadataTags": "enabled"},
    "Tags": [{"Key": "Name", "Value": "node-1"}],
}


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("meta-data/instance-id", b"i-1"),
        ("meta-data/local-hostname", b"ip-10-9-0-4.eu-west-1.compute.internal"),
        ("meta-data/placement/", b"availability-zone\nregion"),
        ("meta-data/public-keys/0/openssh-key", b"ssh-ed25519 AAAA"),
        ("meta-data/iam/security-credentials/", b"role-1"),
        ("meta-data/tags/instance/Name", b"node-1"),
        ("meta-data/security-groups", b"a\nb"),
        ("meta-data/tags", b"instance/"),
        ("meta-data/nothing", None),
        ("meta-dat", None),
    ],
)
def test_documents_and_listings(path: str, document: bytes | None) -> None:
    assert lookup(metadata(INSTANCE, "ssh-ed25519 AAAA", "role-1"), path) == document


@pytest.mark.parametrize("path", ["meta-data/tags/", "meta-data/iam/", "meta-data/public-keys/"])
def test_what_an_instance_has_not_is_not_there(path: str) -> None:
    assert lookup(metadata({**INSTANCE, "MetadataOptions": {}}, None, None), path) is None


def test_tokens_are_good_for_one_address_and_for_their_time() -> None:
    now = int(time.time())
    token = make_token("secret", "10.9.0.4", now + 60)
    assert valid_token("secret", "10.9.0.4", token)
    assert not valid_token("secret", "10.9.0.5", token)
    assert not valid_token("other", "10.9.0.4", token)
    assert not valid_token("secret", "10.9.0.4", make_token("secret", "10.9.0.4", now - 1))
    assert not valid_token("secret", "10.9.0.4", token.replace(str(now + 60), str(now + 600)))
    assert not valid_token("secret", "10.9.0.4", "")
