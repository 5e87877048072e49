"""Putting a bundle's folder together: files in place, manifest, signature, and the whole swapped in at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from amalgam.bundle.contents import Placed
from amalgam.bundle.manifest import MANIFEST, Manifest
from amalgam.bundle.signing import sign
from amalgam.bundle.store import file_sha256
from amalgam.errors import AmalgamError
from amalgam.pins import Arch


def assemble(
    folder: Path,
    placed: Iterable[Placed],
    key: Path,
    *,
    lock_digest: str,
    arches: list[Arch],
    created_from: dict[str, str],
) -> Manifest:
    """Fill a folder beside the target and swap it in, so that the target is never half a bundle.

    Raises:
        AmalgamError: a file in the cache is not what was recorded of it, or signing failed.
    """
    entries = sorted(placed, key=lambda entry: entry.artifact.path)
    work = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(work, ignore_errors=True)
    for entry in entries:
        _put(entry, work / entry.artifact.path)
    manifest = Manifest(
        schema_=1,
        lock_digest=lock_digest,
        arches=arches,
        created_from=created_from,
        artifacts=[entry.artifact for entry in entries],
    )
    (work / MANIFEST).write_text(manifest.to_json())
    sign(work / MANIFEST, key)
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)
    return manifest


def _put(entry: Placed, target: Path) -> None:
    """Write one file. It is a copy, never a link: a change in the bundle must not reach the cache."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(entry.source, bytes):
        target.write_bytes(entry.source)
    else:
        shutil.copyfile(entry.source, target)
    target.chmod(0o755 if entry.artifact.kind == "file" else 0o644)
    if file_sha256(target) != entry.artifact.sha256:
        raise AmalgamError(
            f"{entry.artifact.name} is not what was recorded of it",
            where=str(entry.source),
            remedy="build again; where it lies in the cache, remove it there first",
        )
