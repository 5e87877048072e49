"""Small images as OCI layouts, made on the spot (OCI image specification 1.1)."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def write_layout(folder: Path, content: dict[str, bytes]) -> str:
    """Write an image whose layer for each architecture holds one file ``/content``; says the digest of its index."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    manifests = []
    for architecture, data in content.items():
        unpacked = _tar(data)
        layer = _blob(folder, _LAYER, gzip.compress(unpacked, compresslevel=1, mtime=0))
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _blob(folder, _CONFIG, json.dumps(config).encode()),
            "layers": [layer],
        }
        entry = _blob(folder, MANIFEST, json.dumps(manifest).encode())
        manifests.append({**entry, "platform": {"architecture": architecture, "os": "linux"}})
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    described = _blob(folder, INDEX, json.dumps(index).encode())
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    return str(described["digest"])


def _blob(folder: Path, media_type: str, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    (folder / "blobs" / "sha256" / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def _tar(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("content")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
