# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the lab's hosts: what each is made from, and building those that are absent."""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import docker
from docker.errors import BuildError, ImageNotFound

from lab import artifacts
from lab.artifacts import Artifact

HOSTS = Path(__file__).parent / "hosts"
REPOSITORY = "aiportal-lab"


@dataclass(frozen=True)
class Image:
    """Built from hosts/<name>/: its Dockerfile on top of `base`, or its script `build` that makes a tar."""

    name: str
    base: str | None = None
    archive: Artifact | None = None  # part of the build context, named by build argument ARCHIVE


IMAGES = {
    image.name: image
    for image in (
        Image("debian"),
        Image("base", base="debian"),
        Image("load-balancer", base="base"),
        Image("database", base="base"),
        Image("directory", base="base"),
        Image("aiportal-node", base="base"),
        Image("aiportal-keycloak-single", base="aiportal-node", archive=artifacts.KEYCLOAK),
    )
}
AMIS = ("aiportal-node", "aiportal-keycloak-single")


@functools.cache
def reference(name: str) -> str:
    """repository:tag of an image; the tag is a hash of all that it is made from, so other inputs are another image."""
    image = IMAGES[name]
    digest = hashlib.sha256((reference(image.base) if image.base else "").encode())
    digest.update((image.archive.sha256 if image.archive else "").encode())
    for path in _inputs(image):
        digest.update(f"{path.relative_to(HOSTS)}\0{path.stat().st_mode & 0o111:o}\0".encode() + path.read_bytes())
    return f"{REPOSITORY}/{name}:{digest.hexdigest()[:12]}"


def ensure_all() -> None:
    """Builds what is absent; an image waits for its base only."""
    engine = docker.from_env(timeout=600)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending: dict[str, concurrent.futures.Future[None]] = {}
        for image in IMAGES.values():  # bases come first in the table
            pending[image.name] = pool.submit(_ensure, engine, image, pending.get(image.base or ""))
        for future in pending.values():
            future.result()


def _ensure(engine: docker.DockerClient, image: Image, base: concurrent.futures.Future[None] | None) -> None:
    if _exists(engine, image):
        return
    archive = artifacts.fetch(image.archive) if image.archive else None
    if base:
        base.result()
    print(f"building image {image.name}", flush=True)
    started = time.monotonic()
    if image.base:
        _build(engine, image, archive)
    else:
        _import(engine, image)
    print(f"building image {image.name}: done in {time.monotonic() - started:.0f} s", flush=True)


def _exists(engine: docker.DockerClient, image: Image) -> bool:
    try:
        engine.images.get(reference(image.name))
    except ImageNotFound:
        return False
    return True


def _import(engine: docker.DockerClient, image: Image) -> None:
    repository, tag = reference(image.name).split(":")
    with tempfile.TemporaryDirectory() as folder:
        tar = Path(folder) / "root.tar"
        done = subprocess.run([str(HOSTS / image.name / "build"), str(tar)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"image {image.name} could not be built: {done.stderr.strip()[-1500:]}")
        engine.api.import_image_from_file(str(tar), repository=repository, tag=tag)


def _build(engine: docker.DockerClient, image: Image, archive: Path | None) -> None:
    arguments = {"BASE": reference(image.base or "")}
    if archive:
        arguments["ARCHIVE"] = archive.name
    with tempfile.TemporaryFile() as context:
        _write_context(context, image, archive)
        context.seek(0)
        try:
            engine.images.build(fileobj=context, custom_context=True, tag=reference(image.name), buildargs=arguments, rm=True, forcerm=True)
        except BuildError as error:
            output = "".join(str(line.get("stream") or line.get("error") or "") for line in error.build_log)
            raise RuntimeError(f"image {image.name} could not be built: {output.strip()[-1500:]}") from error


def _write_context(target: IO[bytes], image: Image, archive: Path | None) -> None:
    with tarfile.open(fileobj=target, mode="w") as tar:
        for path in _inputs(image):
            tar.add(path, arcname=str(path.relative_to(HOSTS / image.name)))
        if archive:
            tar.add(archive, arcname=archive.name)


def _inputs(image: Image) -> list[Path]:
    return sorted(path for path in (HOSTS / image.name).rglob("*") if path.is_file())
