# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lab.refusals tries: the sentence to be said, and the definition, variables or world that must bring it about."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lab import certificates, settings
from lab.portal import DOMAIN
from lab.settings import Lab

Definition = dict[str, Any]
Change = Callable[[Definition], None]
CERTIFICATES = settings.ROOT / "build" / "certificates"


@contextlib.contextmanager
def undisturbed(_: Lab) -> Iterator[None]:
    yield


def closed(suffix: str, port: int) -> Callable[[Lab], contextlib.AbstractContextManager[None]]:
    """A port that the security group does not open for as long as the case lasts."""

    @contextlib.contextmanager
    def close(lab: Lab) -> Iterator[None]:
        ec2 = lab.client("ec2")
        found = next(group for group in ec2.describe_security_groups()["SecurityGroups"] if group["GroupName"].endswith(suffix))
        rules = [rule for rule in found["IpPermissions"] if rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65535)]
        ec2.revoke_security_group_ingress(GroupId=found["GroupId"], IpPermissions=rules)
        try:
            yield
        finally:
            ec2.authorize_security_group_ingress(GroupId=found["GroupId"], IpPermissions=rules)

    return close


@contextlib.contextmanager
def second_portal(lab: Lab) -> Iterator[None]:
    ec2 = lab.client("ec2")
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["aiportal-node"]}])["Images"][0]["ImageId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    tags = [
        {"Key": key, "Value": value}
        for key, value in {"Name": "stranger", "Portal": "other", "Component": "keycloak", "Generation": "single"}.items()
    ]
    made = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
    )
    instance = made["Instances"][0]["InstanceId"]
    try:
        yield
    finally:
        ec2.terminate_instances(InstanceIds=[instance])


def _place(portal: Definition, path: str) -> tuple[Definition, str]:
    """Where the last key of a path stands."""
    *parents, last = path.split(".")
    for parent in parents:
        portal = portal[parent]
    return portal, last


def put(path: str, value: Any) -> Change:
    def change(portal: Definition) -> None:
        place, last = _place(portal, path)
        place[last] = value

    return change


def drop(path: str) -> Change:
    def change(portal: Definition) -> None:
        place, last = _place(portal, path)
        del place[last]

    return change


def nodes(*members: tuple[str, str]) -> dict[str, Any]:
    return {"keycloak_cluster_nodes": [{"name": name, "address": address} for name, address in members]}


@dataclass(frozen=True)
class Case:
    """The sentence is a pattern: it must name the variable."""

    name: str
    sentence: str
    change: Change = field(default=lambda _: None)
    world: Callable[[Lab], contextlib.AbstractContextManager[None]] = undisturbed
    filters: dict[str, Any] | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    playbook: str = "phase3"


def drill(name: str, sentence: str, **variables: Any) -> Case:
    return Case(name, sentence, variables=variables, playbook="failover")


def own(key: str, certificate: str, authority: str = "ca") -> dict[str, Any]:
    """The variables of a cluster with certificates of its own."""
    return {
        "keycloak_cluster_mtls": "files",
        "keycloak_cluster_mtls_certificate_file": str(CERTIFICATES / f"{certificate}.pem"),
        "keycloak_cluster_mtls_key_file": str(CERTIFICATES / f"{key}.key"),
        "keycloak_cluster_mtls_ca_files": [str(CERTIFICATES / f"{authority}.pem")],
    }


def make_certificates() -> None:
    signer = certificates.authority(CERTIFICATES, "ca")
    certificates.authority(CERTIFICATES, "other-ca")
    certificates.issue(CERTIFICATES, "node", signer)
    certificates.issue(CERTIFICATES, "other", signer)
    certificates.issue(CERTIFICATES, "soon", signer, days=13)


CASES = [
    Case("a node count of 1", r"portal\.keycloak\.nodes is 1: .*set it to 3", put("keycloak.nodes", 1)),
    Case("a missing key", r"missing required arguments: hostname found in portal -> keycloak", drop("keycloak.hostname")),
    Case("a key too many", r"portal\.keycloak\.colour", put("keycloak.colour", "blue")),
    Case("a wrong type", r"argument 'nodes' is of type .*str.* found in 'portal -> keycloak'", put("keycloak.nodes", "three")),
    Case(
        "pools that exceed the database",
        r"keycloak_cluster_pool_size \(500\) is \d+ connections.*lower .*portal\.keycloak\.pool_size",
        put("keycloak.pool_size", 500),
    ),
    Case(
        "an older release",
        r"portal\.keycloak\.release\) is 26\.7\.3, but 26\.7\.4 runs on this database: set it to 26\.7\.4",
        put("keycloak.release", "26.7.3"),
        variables={"keycloak_cluster_archive_checksum": "0" * 64},
    ),
    Case("what AWS does not have", r"portal\.load_balancer\.name: .*nowhere", put("load_balancer.name", "nowhere")),
    Case("no node", r"The inventory finds no running Keycloak node: tag", filters={"tag:Component": ["nothing"]}),
    Case("nodes of two portals", r"holds nodes of another portal than aiportal: stranger", world=second_portal),
    Case("an unreachable database", r"portal\.database\.instance\): .* cannot be reached.*open its port", world=closed("-database", 5432)),
    Case(
        "an unreachable directory",
        r"The directory of realm aiportal is not whole, seen from aiportal.*: ldaps://dc1",
        world=closed("_controllers", 636),
    ),
    Case(
        "a controller by its address",
        r"portal\.directory\.urls.* holds ldaps://10\.0\.0\.5: write",
        put("directory.urls", ["ldaps://10.0.0.5"]),
    ),
    Case("a controller left out", r"portal\.directory\.urls does not name ldaps://dc2", put("directory.urls", [f"ldaps://dc1.{DOMAIN}"])),
    *(
        Case(
            f"the stack {stack}",
            rf"keycloak_cluster_stack.*{stack}|{stack}.*keycloak_cluster_stack",
            variables={"keycloak_cluster_stack": stack},
        )
        for stack in ("udp", "ec2", "kubernetes")
    ),
    Case(
        "a node given up too soon",
        r"keycloak_cluster_failure_timeout is 1: give 5 to 30 seconds",
        variables={"keycloak_cluster_failure_timeout": 1},
    ),
    drill(
        "an unknown drill", r"keycloak_failover_drills is kill, frost: name one or more of kill,", keycloak_failover_drills="[kill,frost]"
    ),
    drill(
        "a threshold that is not a number",
        r"keycloak_failover_thresholds\.kill\.failed is many, which is not a number",
        keycloak_failover_thresholds={"kill": {"failed": "many"}},
    ),
    drill(
        "a threshold of an unknown figure",
        r"keycloak_failover_thresholds\.kill is .*give a drill .* a mapping of figures",
        keycloak_failover_thresholds={"kill": {"fails": 1}},
    ),
    Case(
        "a stack and an XML at once",
        r"keycloak_cluster_options has cache-stack \(jdbc-ping\) and cache-config-file \(own\.xml\) both.*remove both",
        variables={"keycloak_cluster_options": {"cache-stack": "jdbc-ping", "cache-config-file": "own.xml"}},
    ),
    Case("two nodes of one name", r"keycloak_cluster_nodes has the same name twice", variables=nodes(("a", "10.0.0.1"), ("a", "10.0.0.2"))),
    Case("two nodes of one address", r"the same address twice", variables=nodes(("a", "10.0.0.1"), ("b", "10.0.0.1"))),
    *(
        Case(
            f"the address {address}",
            rf"keycloak_cluster_nodes has {re.escape(address)} for b, a loopback or link-local address.*give the address in the VPC",
            variables=nodes(("a", "10.0.0.1"), ("b", address)),
        )
        for address in ("127.0.0.1", "169.254.10.1")
    ),
    Case(
        "a heap larger than the instance type",
        r"keycloak_cluster_heap_max \(portal\.keycloak\.heap\.max\) is 2g and t3\.small has 2048 MiB.*set it to 1648m or less",
        put("keycloak.heap.max", "2g"),
    ),
    Case("an instance type that is none", r"portal\.keycloak\.instance_type: .*t3\.tiny", put("keycloak.instance_type", "t3.tiny")),
    Case(
        "clocks apart",
        # The lab's hosts share one clock, so the limit moves instead, below the nothing that is measured there now and then.
        r"The clock of \S+ is [\d.]+ s apart from the database's.*let chrony on the node use 169\.254\.169\.123",
        variables={"keycloak_cluster_max_clock_offset": -1},
    ),
    Case(
        "the key of another certificate",
        r"keycloak_cluster_mtls_key_file.*other\.key is not the key of \S+node\.pem",
        variables=own("other", "node"),
    ),
    Case(
        "a certificate of another authority",
        r"keycloak_cluster_mtls_ca_files: \S+node\.pem is not signed by \S+other-ca\.pem",
        variables=own("node", "node", "other-ca"),
    ),
    Case("a certificate that ends soon", r"soon\.pem ends on \S+ in 13 days, 14 are wanted: renew it first", variables=own("soon", "soon")),
    Case(
        "half of a pair for the balancer",
        r"keycloak_cluster_https_certificate_file, keycloak_cluster_https_key_file: .*cannot be read",
        variables={"keycloak_cluster_https_certificate_file": str(CERTIFICATES / "node.pem")},
    ),
    Case(
        "an authority that is not the database's",
        r"portal\.database\.instance\): .*the certificate of .* is not accepted",
        put("ca_files", [str(CERTIFICATES / "other-ca.pem")]),
    ),
]
