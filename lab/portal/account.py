# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account around the portal: network, security groups, key pair, names and secrets, by the calls an operator would make."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.portal import HOSTNAME, NAME, ZONE
from lab.settings import Lab


class Account:
    """The ids of what the other steps need."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ec2 = lab.client("ec2")
        self.vpc = self._vpc()
        self.subnets = [self._subnet(zone, cidr) for zone, cidr in lab.subnets.items()]
        self.groups: dict[str, str] = {}
        anywhere, operator = {"CidrIp": "0.0.0.0/0"}, {"CidrIp": f"{lab.gateway}/32"}
        self._group("alb", [(443, anywhere)])
        self._group("keycloak", [(22, operator), (8080, self.member("alb"))])
        self._group("database", [(5432, self.member("keycloak"))])
        self._key_pair()

    def member(self, group: str) -> dict[str, str]:
        return {"GroupId": self.groups[group]}

    def _vpc(self) -> str:
        vpc = self.ec2.create_vpc(CidrBlock=self.lab.cidr, TagSpecifications=named("vpc", NAME))["Vpc"]["VpcId"]
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            self.ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": True}})
        return str(vpc)

    def _subnet(self, zone: str, cidr: str) -> str:
        tags = named("subnet", f"{NAME}-private-{zone[-1]}")
        subnet = self.ec2.create_subnet(VpcId=self.vpc, AvailabilityZone=zone, CidrBlock=cidr, TagSpecifications=tags)
        return str(subnet["Subnet"]["SubnetId"])

    def _group(self, name: str, rules: list[tuple[int, dict[str, str]]]) -> None:
        full = f"{NAME}-{name}"
        made = self.ec2.create_security_group(
            VpcId=self.vpc, GroupName=full, Description=f"{NAME} {name}", TagSpecifications=named("security-group", full)
        )
        self.groups[name] = made["GroupId"]
        permissions = [
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges" if "CidrIp" in source else "UserIdGroupPairs": [source]}
            for port, source in rules
        ]
        self.ec2.authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=permissions)

    def _key_pair(self) -> None:
        key = Ed25519PrivateKey.generate()
        path = self.lab.state / "ssh" / "id_ed25519"
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        private = serialization.PrivateFormat.OpenSSH
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.ec2.import_key_pair(KeyName=NAME, PublicKeyMaterial=public)

    def secret(self, name: str, **values: str) -> None:
        self.lab.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(values))

    def alias(self, target: dict[str, Any]) -> None:
        """The public name -> the balancer, in a private zone of the VPC."""
        route53 = self.lab.client("route53")
        zone = route53.create_hosted_zone(
            Name=ZONE,
            CallerReference=ZONE,
            VPC={"VPCRegion": self.ec2.meta.region_name, "VPCId": self.vpc},
            HostedZoneConfig={"PrivateZone": True},
        )["HostedZone"]["Id"]
        record = {
            "Name": HOSTNAME,
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": target["CanonicalHostedZoneId"],
                "DNSName": target["DNSName"],
                "EvaluateTargetHealth": False,
            },
        }
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]})


def named(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, {"Key": "Portal", "Value": NAME}]}]
