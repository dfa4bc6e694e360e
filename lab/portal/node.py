# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal's Keycloak node, set up over SSH as an operator would: one instance, not clustered."""

from __future__ import annotations

import os
import shlex
import subprocess

from lab import pki
from lab.life import wait
from lab.portal import HOSTNAME, NAME
from lab.portal.account import Account
from lab.settings import Lab

PATIENCE = 600.0  # machines may be busy
CONFIGURATION = f"""\
# Set up by hand, once, and running ever since.
db=postgres
db-url=jdbc:postgresql://@ENDPOINT@:5432/keycloak?sslmode=verify-full&sslrootcert=/opt/keycloak/conf/ca.pem
db-username=keycloak
hostname=https://{HOSTNAME}
http-enabled=true
proxy-headers=xforwarded
http-management-scheme=http
truststore-paths=/opt/keycloak/conf/ca.pem
"""
VARIANTS = {
    # What a node in a container on Docker's default bridge tells the others: an address that nobody reaches.
    "bridge": "cache-embedded-network-external-address=172.17.0.2\n",
    "local": "cache=local\n",
}


def variant() -> str:
    """How the node of this run is not clustered, by LAB_OLD_NODE."""
    name = os.environ.get("LAB_OLD_NODE", "bridge")
    if name not in VARIANTS:
        raise RuntimeError(f"LAB_OLD_NODE is {name!r}; set it to one of {', '.join(VARIANTS)}")
    return name


def configuration(endpoint: str, kind: str) -> str:
    return CONFIGURATION.replace("@ENDPOINT@", endpoint) + VARIANTS[kind]


def launch(account: Account) -> tuple[str, str]:
    """Id and address of the instance, when it takes SSH."""
    ec2 = account.ec2
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["aiportal-keycloak-single"]}])["Images"][0]["ImageId"]
    tags = {"Name": "aiportal-keycloak", "Portal": NAME, "Component": "keycloak", "Generation": "single"}
    instance = ec2.run_instances(
        ImageId=image,
        InstanceType="t3.small",
        KeyName=NAME,
        MinCount=1,
        MaxCount=1,
        SubnetId=account.subnets[0],
        SecurityGroupIds=[account.groups["keycloak"]],
        UserData="#cloud-config\ntimezone: UTC\n",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}],
    )["Instances"][0]
    address = str(instance["PrivateIpAddress"])
    wait("the Keycloak instance to take SSH", lambda: run(account.lab, address, "true") == 0, PATIENCE)
    return str(instance["InstanceId"]), address


def start_keycloak(lab: Lab, address: str, endpoint: str, database_password: str, bootstrap: tuple[str, str]) -> None:
    """Writes the configuration and starts the service; secrets travel on standard input and stay in one file of mode 0600."""
    environment = {
        "KC_DB_PASSWORD": database_password,
        "KC_BOOTSTRAP_ADMIN_USERNAME": bootstrap[0],
        "KC_BOOTSTRAP_ADMIN_PASSWORD": bootstrap[1],
        "JAVA_OPTS_KC_HEAP": '"-Xms256m -Xmx512m"',
        # Half the processor time of a start (8 s instead of 15): the lab's hosts share what may be two cores.
        "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",
    }
    files = {
        "/opt/keycloak/conf/keycloak.conf": ("0644", configuration(endpoint, variant())),
        "/opt/keycloak/conf/ca.pem": ("0644", pki.authority(lab).ca().certificate.decode()),
        "/etc/keycloak.env": ("0600", "".join(f"{name}={value}\n" for name, value in environment.items())),
    }
    script = "set -eu\n"
    for path, (mode, content) in files.items():
        script += f"install -m {mode} /dev/null {path}\nprintf %s {shlex.quote(content)} > {path}\n"
    if run(lab, address, "sudo sh -s", script + "systemctl enable --quiet --now keycloak\n") != 0:
        raise RuntimeError("the Keycloak node could not be set up; see `python -m lab logs aiportal-keycloak`")


def run(lab: Lab, address: str, command: str, stdin: str = "") -> int:
    """Exit status of a command on the node."""
    return subprocess.run([*ssh(lab, address), command], input=stdin, text=True, capture_output=True).returncode


def ssh(lab: Lab, address: str, *options: str) -> list[str]:
    """Beginning of a command line that reaches the node as an operator does."""
    given = ["BatchMode=yes", "ConnectTimeout=10", "StrictHostKeyChecking=accept-new", f"UserKnownHostsFile={lab.state}/known_hosts"]
    words = [word for option in given for word in ("-o", option)]
    return ["ssh", "-q", "-i", str(lab.state / "ssh" / "id_ed25519"), *words, *options, f"debian@{address}"]
