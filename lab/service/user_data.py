# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User data that installs the service: cloud-config, run by the real cloud-init on the first boot; the units run on every boot."""

from __future__ import annotations

from pathlib import Path

import yaml

HOOK = "boot"
UNIT = """\
[Unit]
Description=The service
After=network.target
[Service]
Environment=SERVICE_VERSION={version} SERVICE_BROKEN={broken}
ExecStart=/usr/bin/python3 /usr/local/lib/serve.py
Restart=always
[Install]
WantedBy=multi-user.target
"""
READY_UNIT = """\
[Unit]
Description=Tells Auto Scaling that this instance serves
After=service.service
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/ready
[Install]
WantedBy=multi-user.target
"""
# By the instance's own role; signed by curl. The action may begin a moment after the boot: hence the tries.
READY = """\
#!/bin/sh
set -eu
until curl -sf -m 2 http://127.0.0.1:8080/health > /dev/null; do sleep 0.2; done
imds=http://169.254.169.254/latest
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$imds/api/token")
metadata() {{ curl -sf -H "X-aws-ec2-metadata-token: $token" "$imds/meta-data/$1"; }}
instance=$(metadata instance-id)
region=$(metadata placement/region)
role=$(metadata iam/security-credentials/)
keys=$(metadata "iam/security-credentials/$role")
key() {{ echo "$keys" | python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }}
for try in $(seq 60); do
    if curl -sf -m 5 --aws-sigv4 "aws:amz:$region:autoscaling" --user "$(key AccessKeyId):$(key SecretAccessKey)" \\
        -H "X-Amz-Security-Token: $(key Token)" "{endpoint}/" \\
        -d Action=CompleteLifecycleAction -d Version=2011-01-01 -d AutoScalingGroupName={group} \\
        -d LifecycleHookName={hook} -d "InstanceId=$instance" -d LifecycleActionResult=CONTINUE > /dev/null; then
        exit 0
    fi
    sleep 1
done
exit 1
"""


def render(group: str, version: str, endpoint: str, broken: bool = False) -> str:
    files = {
        "/usr/local/lib/serve.py": (Path(__file__).with_name("serve.py").read_text(), "0644"),
        "/etc/systemd/system/service.service": (UNIT.format(version=version, broken="yes" if broken else ""), "0644"),
        "/etc/systemd/system/ready.service": (READY_UNIT, "0644"),
        "/usr/local/sbin/ready": (READY.format(endpoint=endpoint, group=group, hook=HOOK), "0755"),
    }
    config = {
        "write_files": [{"path": path, "content": content, "permissions": mode} for path, (content, mode) in files.items()],
        "runcmd": [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "--no-block", "service.service", "ready.service"],
        ],
    }
    return "#cloud-config\n" + yaml.safe_dump(config, sort_keys=False)
