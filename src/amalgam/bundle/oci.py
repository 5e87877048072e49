"""An OCI image layout, written by hand: https://github.com/opencontainers/image-spec/blob/main/image-layout.md.

Every image is an index over the architectures built, so that one reference serves a mixed cluster.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
REF_NAME = "org.opencontainers.image.ref.name"
_EPOCH = "1970-01-01T00:00:00Z"

Descriptor = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """A layer already written: its blob, and the digest of what is in it uncompressed."""

    path: Path
    sha256: str
    size: int
    diff_id: str
    comment: str


@dataclass(frozen=True)
class RunConfig:
    """How a container of the image starts."""

    entrypoint: Sequence[str]
    command: Sequence[str]
    user: str
    workdir: str
    labels: Mapping[str, str]


@dataclass
class Blobs:
    """Small blobs made here (configurations, manifests, indexes), by digest."""

    data: dict[str, bytes] = field(default_factory=dict)

    def add(self, media_type: str, content: Mapping[str, Any]) -> Descriptor:
        """Add JSON content; its descriptor."""
        raw = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(raw).hexdigest()
        self.data[digest] = raw
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(raw)}


def add_image(blobs: Blobs, arch: str, layers: Sequence[Layer], run: RunConfig) -> Descriptor:
    """Add configuration and manifest of one architecture; the manifest's descriptor, with its platform."""
    config: dict[str, Any] = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "WorkingDir": run.workdir,
        "Labels": dict(run.labels),
    }
    config |= {"Entrypoint": list(run.entrypoint)} if run.entrypoint else {}
    config |= {"Cmd": list(run.command)} if run.command else {}
    config |= {"User": run.user} if run.user else {}
    platform = {"architecture": arch, "os": "linux"}
    image = platform | {
        "created": _EPOCH,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": _EPOCH, "created_by": f"amalgam: {layer.comment}"} for layer in layers],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blobs.add(CONFIG, image),
        "layers": [{"mediaType": LAYER, "digest": f"sha256:{layer.sha256}", "size": layer.size} for layer in layers],
    }
    return blobs.add(MANIFEST, manifest) | {"platform": platform}


def add_index(blobs: Blobs, manifests: Sequence[Descriptor], reference: str) -> Descriptor:
    """Add an image index over architectures; its descriptor, annotated with ``repository:tag``."""
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(manifests)}
    return blobs.add(INDEX, index) | {"annotations": {REF_NAME: reference}}


def layout_files(images: Sequence[Descriptor]) -> dict[str, bytes]:
    """The two files at the top of a layout."""
    top = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(images)}
    return {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps(top, sort_keys=True, separators=(",", ":")).encode(),
    }
