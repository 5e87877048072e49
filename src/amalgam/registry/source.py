"""Where an image comes from: an archive, an OCI layout, or a registry."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amalgam.errors import AmalgamError

# A registry's host has a dot or a port, so that no path below the current folder reads like one.
_REMOTE = re.compile(r"(docker://)?(?P<name>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]+)?/\S+)")
_GZIP = b"\x1f\x8b"
# Docker image specification 1.2: a configuration is called by its digest.
_CONFIGURATION = re.compile(r"(blobs/sha256/)?(?P<digest>[0-9a-f]{64})(\.json)?")


@dataclass(frozen=True)
class Source:
    """An image as skopeo names it (containers-transports(5))."""

    transport: str
    location: str
    keeps_digest: bool
    """Not for archives of Docker's older form, whose layers lie there unpacked: their digests come with the upload."""

    def __str__(self) -> str:
        """TRANSPORT:LOCATION."""
        return f"{self.transport}:{self.location}"


def find_source(text: str, image: str | None = None) -> Source:
    """What ``text`` means: the path of an archive or layout, in which ``image`` is wanted, or a name in a registry.

    Raises:
        AmalgamError: neither; a file that is no archive of images; several images and no choice.
    """
    path = Path(text)
    if path.is_dir():
        return _layout(path, image)
    if path.is_file():
        return _archive(path, image)
    found = _REMOTE.fullmatch(text)
    if found is None or image is not None:
        raise AmalgamError(
            "there is no such file or folder, and it is no name of an image in a registry",
            where=text,
            remedy="name an archive (docker save, podman save), an OCI layout, or HOST/NAME:TAG",
        )
    return Source("docker", f"//{found['name']}", keeps_digest=True)


def _layout(path: Path, image: str | None) -> Source:
    try:
        index = json.loads((path / "index.json").read_bytes())
    except (OSError, ValueError) as error:
        remedy = "name a folder with oci-layout and index.json"
        raise AmalgamError("the folder is no OCI layout", where=str(path), remedy=remedy) from error
    return Source("oci", _chosen(path, image, _names_of_index(index)), keeps_digest=True)


def _archive(path: Path, image: str | None) -> Source:
    try:
        with tarfile.open(path) as archive:
            members = {member.name.removeprefix("./"): member for member in archive.getmembers()}
            # What Docker saves since version 25 is both: as a layout it keeps its digests.
            kind = next((name for name in ("index.json", "manifest.json") if name in members), None)
            if kind is None:
                remedy = "name what docker save, podman save or skopeo copy wrote"
                raise AmalgamError("an archive, and none of images", where=str(path), remedy=remedy)
            index = json.loads(_read(archive, members[kind]))
            if kind == "manifest.json":
                _check_contents(archive, members, index)
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        raise AmalgamError(
            f"the archive cannot be read: {error}", where=str(path), remedy="copy it again and compare its checksum"
        ) from error
    if kind == "index.json":
        return Source("oci-archive", _chosen(path, image, _names_of_index(index)), keeps_digest=True)
    names = [name for entry in index for name in entry.get("RepoTags") or []]
    # Of one image, any of its names will do.
    several = len(index) > 1
    return Source("docker-archive", _chosen(path, image, names if several else names[:1]), keeps_digest=False)


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    return content.read() if content else b""


def _check_contents(archive: tarfile.TarFile, members: dict[str, tarfile.TarInfo], index: list[dict[str, Any]]) -> None:
    """Compare with their digests the configurations and layers that skopeo takes as they are from Docker's form.

    Raises:
        ValueError: one of them is damaged or missing.
    """
    for entry in index:
        name = str(entry.get("Config", ""))
        configuration = _read(archive, _member(members, name))
        found = _CONFIGURATION.fullmatch(name)
        if found and hashlib.sha256(configuration).hexdigest() != found["digest"]:
            raise ValueError(f"{name} is damaged")
        digests = json.loads(configuration).get("rootfs", {}).get("diff_ids", [])
        layers = entry.get("Layers") or []
        if len(layers) != len(digests):
            raise ValueError(f"there are {len(layers)} layers of {len(digests)} that {name} names")
        for layer, digest in zip(layers, digests, strict=True):
            if _unpacked_digest(archive, _member(members, layer)) != digest:
                raise ValueError(f"{layer} is damaged")


def _member(members: dict[str, tarfile.TarInfo], name: str) -> tarfile.TarInfo:
    if name not in members:
        raise ValueError(f"{name or 'the configuration of an image'} is missing")
    return members[name]


def _unpacked_digest(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """As an image's configuration names a layer, be it packed here or not."""
    content = archive.extractfile(member)
    if content is None:
        raise ValueError(f"{member.name} is no file")
    packed = content.read(len(_GZIP)) == _GZIP
    content.seek(0)
    stream: Any = gzip.GzipFile(fileobj=content) if packed else content
    return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def _names_of_index(index: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    """OCI image specification, "Pre-defined annotation keys"."""
    return [entry.get("annotations", {}).get("org.opencontainers.image.ref.name", "") for entry in index["manifests"]]


def _chosen(path: Path, image: str | None, names: list[str]) -> str:
    if image is None and len(names) > 1:
        remedy = f"choose one with --image: {', '.join(sorted(filter(None, names)))}"
        raise AmalgamError(f"there are {len(names)} images", where=str(path), remedy=remedy)
    if image is not None and image not in names:
        remedy = f"choose one of: {', '.join(sorted(filter(None, names)))}"
        raise AmalgamError(f"there is no image {image}", where=str(path), remedy=remedy)
    return f"{path}:{image}" if image else str(path)
