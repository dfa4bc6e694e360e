# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance metadata, version 2 only: each instance sees its own, told apart by the address that it asks from."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.settings import IMDS, REGION, Lab

log = logging.getLogger(__name__)
LATEST = "/latest/"
CREDENTIALS = "meta-data/iam/security-credentials/"
TOKEN_HEADER, TTL_HEADER = "X-aws-ec2-metadata-token", "X-aws-ec2-metadata-token-ttl-seconds"


def start(lab: Lab) -> None:
    server = Server(lab)
    threading.Thread(target=server.serve_forever, name="imds", daemon=True).start()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        super().__init__((IMDS, 80), Handler)

    def server_bind(self) -> None:
        # The address is on the bridge of every lab of this machine: each listens on its own bridge only.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.lab.name.encode())
        super().server_bind()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_PUT(self) -> None:
        ttl = self.headers.get(TTL_HEADER, "")
        if self.path != "/latest/api/token" or not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            self._answer(400, b"")
            return
        token = make_token(self.server.lab.secret_key, self.client_address[0], int(time.time()) + int(ttl))
        self._answer(200, token.encode(), {TTL_HEADER: ttl})

    def do_GET(self) -> None:
        address = self.client_address[0]
        if not valid_token(self.server.lab.secret_key, address, self.headers.get(TOKEN_HEADER, "")):
            self._answer(401, b"")
            return
        try:
            content = answer(self.server.lab, address, self.path.partition("?")[0])
        except Exception:  # moto's trouble must not look like "no such metadata" to cloud-init
            log.exception("metadata %s for %s", self.path, address)
            self._answer(500, b"")
            return
        self._answer(404 if content is None else 200, content or b"")

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: every boot asks a dozen times."""


def make_token(secret: str, address: str, expires: int) -> str:
    """A token says itself until when and for whom it is good, so that none has to be kept."""
    signature = hmac.new(secret.encode(), f"{address} {expires}".encode(), hashlib.sha256).digest()
    return f"{expires}-" + base64.urlsafe_b64encode(signature).decode()


def valid_token(secret: str, address: str, token: str) -> bool:
    expires = token.partition("-")[0]
    if not expires.isdigit() or int(expires) < time.time():
        return False
    return hmac.compare_digest(token, make_token(secret, address, int(expires)))


def answer(lab: Lab, address: str, path: str) -> bytes | None:
    """The document at a path, the listing of a folder, or None."""
    ec2 = lab.client("ec2")
    filters = [{"Name": "private-ip-address", "Values": [address]}, {"Name": "instance-state-name", "Values": ["pending", "running"]}]
    found = [i for r in ec2.describe_instances(Filters=filters)["Reservations"] for i in r["Instances"]]
    if not found or not path.startswith(LATEST):
        return None
    instance, path = found[0], path.removeprefix(LATEST)
    if path == "user-data":
        encoded = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")["UserData"].get("Value")
        return base64.b64decode(encoded) if encoded else None
    if path == "dynamic/instance-identity/document":
        return json.dumps(identity(instance)).encode()
    role = _role(lab, instance)
    if role and path == CREDENTIALS + role["RoleName"]:
        return json.dumps(_credentials(lab, role["Arn"], instance["InstanceId"])).encode()
    return lookup(metadata(instance, _public_key(ec2, instance), role["RoleName"] if role else None), path)


def metadata(instance: dict[str, Any], public_key: str | None, role: str | None) -> dict[str, str]:
    """Path -> document, as the EC2 user guide lists the categories of instance metadata."""
    address, name = instance["PrivateIpAddress"], instance["PrivateDnsName"]
    mac = instance["NetworkInterfaces"][0]["MacAddress"]
    documents = {
        "ami-id": instance["ImageId"],
        "hostname": name,
        "instance-id": instance["InstanceId"],
        "instance-type": instance["InstanceType"],
        "local-hostname": name,
        "local-ipv4": address,
        "mac": mac,
        f"network/interfaces/macs/{mac}/local-ipv4s": address,
        f"network/interfaces/macs/{mac}/subnet-id": instance["SubnetId"],
        f"network/interfaces/macs/{mac}/vpc-id": instance["VpcId"],
        "placement/availability-zone": instance["Placement"]["AvailabilityZone"],
        "placement/region": REGION,
        "security-groups": "\n".join(group["GroupName"] for group in instance["SecurityGroups"]),
    }
    if public_key:
        documents["public-keys/0/openssh-key"] = public_key
    if role:
        documents[f"iam/security-credentials/{role}"] = ""
    if instance.get("MetadataOptions", {}).get("InstanceMetadataTags") == "enabled":
        documents.update({f"tags/instance/{tag['Key']}": tag["Value"] for tag in instance.get("Tags", [])})
    return {f"meta-data/{path}": document for path, document in documents.items()}


def lookup(documents: dict[str, str], path: str) -> bytes | None:
    if path in documents:
        return documents[path].encode()
    folder = path.rstrip("/") + "/"
    below = [name.removeprefix(folder) for name in documents if name.startswith(folder)]
    entries = sorted({part + ("/" if slash else "") for part, slash, _ in (name.partition("/") for name in below)})
    return "\n".join(entries).encode() if entries else None


def identity(instance: dict[str, Any]) -> dict[str, Any]:
    return {
        "instanceId": instance["InstanceId"],
        "imageId": instance["ImageId"],
        "instanceType": instance["InstanceType"],
        "privateIp": instance["PrivateIpAddress"],
        "availabilityZone": instance["Placement"]["AvailabilityZone"],
        "region": REGION,
        "architecture": instance.get("Architecture", "x86_64"),
    }


def _public_key(ec2: Any, instance: dict[str, Any]) -> str | None:
    if "KeyName" not in instance:
        return None
    pairs = ec2.describe_key_pairs(KeyNames=[instance["KeyName"]], IncludePublicKey=True)["KeyPairs"]
    return str(pairs[0]["PublicKey"]).strip()


def _role(lab: Lab, instance: dict[str, Any]) -> dict[str, Any] | None:
    arn = instance.get("IamInstanceProfile", {}).get("Arn")
    if not arn:
        return None
    roles = lab.client("iam").get_instance_profile(InstanceProfileName=arn.rsplit("/", 1)[-1])["InstanceProfile"]["Roles"]
    return roles[0] if roles else None


def _credentials(lab: Lab, role_arn: str, session: str) -> dict[str, str]:
    made = lab.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]
    return {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "AccessKeyId": made["AccessKeyId"],
        "SecretAccessKey": made["SecretAccessKey"],
        "Token": made["SessionToken"],
        "Expiration": made["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
