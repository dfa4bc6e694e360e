# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that no distribution package has, fetched once, checked, kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

BUCKET = "aiportal-artifacts"


@dataclass(frozen=True)
class Artifact:
    name: str
    version: str
    group: str
    artifact: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}.tar.gz"


# The releases that the lab can start with, and their sha256. The role's are a table of its own: what is tried is not what is trusted.
RELEASES = {
    "26.7.3": "77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47",
    "26.7.4": "04823c336b797a7e18889a44262a7a64e6bf624cbbcc518c85e2622176ff2eee",
}


def keycloak(release: str) -> Artifact:
    if release not in RELEASES:
        raise RuntimeError(f"LAB_RELEASE is {release!r}; set it to one of {', '.join(RELEASES)}")
    return Artifact("keycloak", release, "org.keycloak", "keycloak-quarkus-dist", RELEASES[release])


# An image and the portal want the same archive at the same time: the first to end renamed the file under the other's hands.
_FETCHING = threading.Lock()

# What the portal's old node runs when a lab starts.
KEYCLOAK = keycloak(os.environ.get("LAB_RELEASE", "26.7.4"))


def cache() -> Path:
    return Path(os.environ.get("AIPORTAL_CACHE") or Path.home() / ".cache" / "aiportal-scaling")


def fetch(artifact: Artifact) -> Path:
    """Path of the archive; downloaded when it is not in the cache, refused when it is not the expected one."""
    target = cache() / artifact.file
    with _FETCHING:
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(f".part{os.getpid()}")
            try:
                _download(artifact, part)
                _verify(artifact, part)
                part.rename(target)
            finally:
                part.unlink(missing_ok=True)
    return target


def _download(artifact: Artifact, target: Path) -> None:
    print(f"fetching {artifact.file}", flush=True)
    coordinates = f"group_id={artifact.group} artifact_id={artifact.artifact} version={artifact.version} extension=tar.gz"
    arguments = f"{coordinates} dest={target} verify_checksum=download checksum_alg=sha1 mode=0644"
    ansible = Path(sys.executable).with_name("ansible")
    command = [str(ansible), "localhost", "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run([*command, "-m", "community.general.maven_artifact", "-a", arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{artifact.file} could not be fetched: {(done.stdout + done.stderr).strip()[-600:]}")


def _verify(artifact: Artifact, path: Path) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != artifact.sha256:
        raise RuntimeError(f"{artifact.file} has sha256 {found} instead of {artifact.sha256}: it was not kept")
