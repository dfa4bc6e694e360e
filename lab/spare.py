# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Keycloak server of a scenario's own, made like a node of the cluster: misconfigured at will, and thrown away."""

from __future__ import annotations

import os.path
import shlex
from collections.abc import Mapping
from typing import Any

from lab import artifacts
from lab.containers import Containers
from lab.disturb import Database, Hosts
from lab.life import wait
from lab.looks import Member
from lab.portal import NAME
from lab.settings import Lab

# No tag of the portal: the inventory must not find it, whatever becomes of this run.
TAG = "states-spare"
PATIENCE = 300.0
CONF = "/opt/keycloak/current/conf"
UNIT = "/etc/systemd/system/keycloak.service"
BUILD = "bin/kc.sh build --db=postgres --health-enabled=true --metrics-enabled=true"
SHORT_JAVA = "JAVA_OPTS_KC_HEAP='-Xms64m -Xmx512m' JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1"
CLUSTER = "spi-cache-embedded--default--cluster-name"
Options = Mapping[str, str]


def configuration(base: str, options: Options) -> str:
    """A keycloak.conf with these options and the rest as it was; an empty one is left out."""
    kept = [line for line in base.splitlines() if line.partition("=")[0].strip() not in options]
    return "\n".join([*kept, *(f"{key}={value}" for key, value in options.items() if value), ""])


class Spare:
    def __init__(self, lab: Lab, model: Member) -> None:
        self._lab = lab
        self._ec2 = lab.client("ec2")
        self._hosts = Hosts(lab)
        self._model = model
        self.member = Member("", "", "")

    def launch(self) -> None:
        """In the network of its model, behind the same security groups."""
        model = self._ec2.describe_instances(InstanceIds=[self._model.instance])["Reservations"][0]["Instances"][0]
        image = self._ec2.describe_images(Filters=[{"Name": "name", "Values": ["aiportal-node"]}])["Images"][0]["ImageId"]
        instance = self._ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            KeyName=NAME,
            SubnetId=model["SubnetId"],
            SecurityGroupIds=[group["GroupId"] for group in model["SecurityGroups"]],
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": TAG}]}],
        )["Instances"][0]
        self.member = Member(TAG, instance["PrivateIpAddress"], instance["InstanceId"])
        wait("the spare server to boot", self._booted, PATIENCE)
        self._copy()

    def _booted(self) -> bool:
        try:
            return "active" in self._hosts.run(self.member, "systemctl is-active ssh && cloud-init status --wait >/dev/null; echo active")
        except RuntimeError:
            return False

    def _copy(self) -> None:
        source, target = (self._container(member) for member in (self._model, self.member))
        user, group = self._hosts.run(self._model, "id -u keycloak; id -g keycloak").split()
        self._hosts.run(self.member, f"groupadd --gid {group} keycloak && useradd --system --uid {user} --gid {group} keycloak")
        for path in ("/opt/keycloak", UNIT, "/etc/directory-proxy", "/etc/keycloak"):
            stream, dummy = source.get_archive(path)
            target.put_archive(os.path.dirname(path), stream)
        keep = f"cp {CONF}/keycloak.conf /root/base.conf; readlink /opt/keycloak/current > /root/home"
        self._hosts.run(self.member, f"{keep}; systemctl daemon-reload")

    def start(self, options: Options | None = None, files: Options | None = None, home: str = "") -> None:
        """With its own name and address, and with what is asked for beyond that; an option that is empty is left out."""
        own = {
            "cache-embedded-network-bind-address": self.member.address,
            "spi-cache-embedded--default--node-name": self.member.name,
            "spi-cache-embedded--default--machine-name": self.member.instance,
            "shutdown-delay": "0s",
            "shutdown-timeout": "1s",
        }
        base = self._hosts.run(self.member, "cat /root/base.conf")
        written = {"keycloak.conf": configuration(base, {**own, **(options or {})}), **(files or {})}
        script = f"ln -sfn {home or '$(cat /root/home)'} /opt/keycloak/current\n"
        for name, content in written.items():
            script += f"printf %s {shlex.quote(content)} > {CONF}/{name}\nchgrp keycloak {CONF}/{name}\nchmod 0640 {CONF}/{name}\n"
        self._hosts.run(self.member, script + "systemctl start keycloak")

    def announced(self) -> bool:
        """Whether the others see it in the discovery table, under its address."""
        query = f"SELECT count(*) FROM jgroups_ping WHERE ip = '{self.member.address}:7800' AND name <> '(starting)'"
        return Database(self._lab).ask(query) != "0"

    def clustered(self) -> bool:
        """Whether it is in a cluster, be it of its own; a look before that sees it booting."""
        return "vendor_cluster_size" in self._hosts.run(self.member, f"curl -s -m 5 http://{self.member.address}:9000/metrics || true")

    def stop(self) -> None:
        self._hosts.run(self.member, "systemctl stop keycloak")

    def kill(self) -> None:
        """Also a frozen one. Stopped by systemd as well, which would start it again; killed without it, because Java survived
        "systemctl kill" where the lab's machine is a container itself, and the next server never began.
        """
        self._hosts.signal_java(self.member, "KILL")
        self.stop()

    def build(self, release: str) -> str:
        """Path of a home of that release, built as the others are."""
        artifact = artifacts.keycloak(release)
        self._lab.client("s3").upload_file(str(artifacts.fetch(artifact)), artifacts.BUCKET, artifact.file)
        home = f"/opt/keycloak/homes/{release}"
        url = f"{self._lab.node_api_url}/{artifacts.BUCKET}/{artifact.file}"
        self._hosts.run(
            self.member,
            f"set -e; mkdir {home}; cd {home}; curl -sf {url} | tar xz --strip-components=1 --no-same-owner; {SHORT_JAVA} {BUILD}; "
            f"rm -rf data; ln -s /var/lib/keycloak data; cp -p {CONF}/keycloak.env {CONF}/secrets.env {CONF}/truststore.pem conf/",
        )
        return home

    def _container(self, member: Member) -> Any:
        return Containers(self._lab).find(member.instance)


def forget(lab: Lab) -> None:
    """Ends every spare server, also one of a run that was killed, and waits until its container is gone."""
    ec2 = lab.client("ec2")
    pages = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [TAG]}])["Reservations"]
    found = [each["InstanceId"] for page in pages for each in page["Instances"] if each["State"]["Name"] != "terminated"]
    if found:
        ec2.terminate_instances(InstanceIds=found)
        containers = Containers(lab)
        wait("the spare server to end", lambda: not any(containers.find(each) for each in found), PATIENCE)
