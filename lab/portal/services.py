# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the portal stands on: load balancer, database, directory; each function returns when the service answers."""

from __future__ import annotations

import json
from typing import Any

from lab import pki
from lab.containers import Containers, archive
from lab.life import wait
from lab.portal import ADMIN_SECRET, DATABASE_SECRET, DIRECTORY_SECRET, DOMAIN, DRILL_SECRET, HOSTNAME, NAME, NEXT_DIRECTORY_SECRET, people
from lab.portal.account import Account

PATIENCE = 600.0  # machines may be busy
SEED = "/root/portal.ldif"


def load_balancer(account: Account) -> str:
    """ALB with one HTTPS listener whose rule forwards the public name; ARN of the target group."""
    elbv2, pair = account.lab.client("elbv2"), pki.authority(account.lab).certificate([HOSTNAME])
    ca = pki.authority(account.lab).ca().certificate
    certificate = account.lab.client("acm").import_certificate(Certificate=pair.certificate, PrivateKey=pair.key, CertificateChain=ca)
    balancer = elbv2.create_load_balancer(
        Name=NAME, Type="application", Scheme="internal", Subnets=account.subnets, SecurityGroups=[account.groups["alb"]]
    )["LoadBalancers"][0]
    account.alias({"CanonicalHostedZoneId": balancer["CanonicalHostedZoneId"], "DNSName": balancer["DNSName"]})
    group = _target_group(account, elbv2)
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate["CertificateArn"]}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"][0]
    elbv2.create_rule(
        ListenerArn=listener["ListenerArn"],
        Priority=10,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [HOSTNAME]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return group


def _target_group(account: Account, elbv2: Any) -> str:
    made = elbv2.create_target_group(
        Name=f"{NAME}-keycloak",
        Protocol="HTTP",
        Port=8080,
        VpcId=account.vpc,
        TargetType="instance",
        HealthCheckPath="/realms/master",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=4,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
    elbv2.modify_target_group_attributes(TargetGroupArn=made, Attributes=attributes)
    return str(made)


def database(account: Account) -> str:
    """RDS instance with a database for Keycloak; name of its endpoint."""
    rds, password = account.lab.client("rds"), people.password()
    account.secret(DATABASE_SECRET, username="keycloak", password=password)
    rds.create_db_subnet_group(DBSubnetGroupName=NAME, DBSubnetGroupDescription=NAME, SubnetIds=account.subnets)
    rds.create_db_instance(
        DBInstanceIdentifier=NAME,
        DBInstanceClass="db.t3.medium",
        Engine="postgres",
        EngineVersion="15.10",
        AllocatedStorage=20,
        StorageType="gp3",
        MasterUsername="keycloak",
        MasterUserPassword=password,
        DBName="keycloak",
        DBSubnetGroupName=NAME,
        VpcSecurityGroupIds=[account.groups["database"]],
    )

    def instance() -> Any:
        return rds.describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]

    wait("the database to be available", lambda: instance()["DBInstanceStatus"] == "available", PATIENCE)
    return str(instance()["Endpoint"]["Address"])


def database_password(account: Account) -> str:
    stored = account.lab.client("secretsmanager").get_secret_value(SecretId=DATABASE_SECRET)["SecretString"]
    return str(json.loads(stored)["password"])


def directory(account: Account) -> str:
    """Managed AD with the portal's people in it; the password of the account that Keycloak is to bind with."""
    ds, password = account.lab.client("ds"), people.password()
    account.secret("aiportal/directory/admin", username="Admin", password=password)
    settings = {"VpcId": account.vpc, "SubnetIds": account.subnets[:2]}
    identifier = ds.create_microsoft_ad(
        Name=DOMAIN, ShortName=people.WORKGROUP, Password=password, Edition="Standard", VpcSettings=settings
    )["DirectoryId"]

    def active() -> bool:
        return bool(ds.describe_directories(DirectoryIds=[identifier])["DirectoryDescriptions"][0]["Stage"] == "Active")

    wait("both domain controllers to answer", active, PATIENCE)
    services = {dn: people.password() for dn in (people.SERVICE_DN, people.NEXT_SERVICE_DN)}
    ldif = people.directory_ldif(people.accounts(account.lab), services)
    containers = Containers(account.lab)
    container = containers.find(f"{identifier}-dc1")
    assert container is not None
    container.put_archive("/", archive({SEED: (ldif.encode(), 0o600)}))
    containers.exec(container, ["ldbmodify", "-H", "/var/lib/samba/private/sam.ldb", SEED])
    containers.exec(container, ["rm", SEED])
    name, drill_password = people.drill_user(account.lab)
    account.secret(DRILL_SECRET, username=name, password=drill_password)
    for name, (dn, secret) in zip((DIRECTORY_SECRET, NEXT_DIRECTORY_SECRET), services.items(), strict=True):
        account.secret(name, username=dn, password=secret)
    return services[people.SERVICE_DN]


def administrator(account: Account) -> tuple[str, str]:
    """The administrator that realm.py creates and the collection logs in as."""
    name, password = "portal-admin", people.password()
    account.secret(ADMIN_SECRET, username=name, password=password)
    return name, password
