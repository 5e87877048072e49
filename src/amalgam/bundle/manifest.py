"""The manifest of a bundle: every file in it, with size and digest; and the proof that a folder is that bundle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from pydantic import Field

from amalgam.bundle.signing import verify
from amalgam.bundle.store import file_sha256
from amalgam.errors import AmalgamError
from amalgam.pins import Arch, Strict, validated

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
_REMEDY = "do not use this bundle: build or fetch it again"

Kind = Literal["file", "archive", "image", "deb", "wheel", "chart", "index", "site"]


class Artifact(Strict):
    """One file of a bundle. ``arch`` is ``all`` where it serves every one; ``source`` says where it is from."""

    name: str
    version: str
    arch: Arch | Literal["all"]
    kind: Kind
    path: str
    sha256: str
    size: int
    source: str


class Manifest(Strict):
    """What a bundle holds, and the lock it was made from."""

    schema_: Literal[1] = Field(alias="schema")
    lock_digest: str
    arches: list[Arch]
    created_from: dict[str, str]
    artifacts: list[Artifact]

    def to_json(self) -> str:
        """The file's text; the same manifest gives the same bytes."""
        return json.dumps(self.model_dump(by_alias=True), indent=1, sort_keys=True) + "\n"


def read_manifest(bundle: Path) -> Manifest:
    """Read a manifest without judging it.

    Raises:
        AmalgamError: missing, a link, or not in the manifest's form.
    """
    path = bundle / MANIFEST
    if not path.is_file() or path.is_symlink():
        raise AmalgamError(
            "no bundle here: the manifest is missing", where=str(path), remedy="run `amalgam bundle build`"
        )
    try:
        data = json.loads(path.read_text())
    except ValueError as error:
        raise AmalgamError("the manifest is not JSON", where=str(path), remedy=_REMEDY) from error
    return validated(Manifest, data, path, _REMEDY)


def verify_bundle(path: Path, allowed_signers: Path, *, deep: bool) -> Manifest:
    """Prove that a folder is a bundle signed by an allowed signer, no file more, less or changed.

    Args:
        path: the bundle.
        allowed_signers: who may sign, pinned by the site.
        deep: read every byte; otherwise signature, names, kinds and sizes only.

    Raises:
        AmalgamError: the first thing wrong, with the artifact's name.
    """
    read_manifest(path)
    verify(path / MANIFEST, allowed_signers)
    manifest = read_manifest(path)
    listed = {artifact.path: artifact for artifact in manifest.artifacts}
    present = dict(_files(path))
    for name in sorted(present.keys() - listed.keys() - {MANIFEST, SIGNATURE}):
        raise AmalgamError("a file that the manifest does not list", where=str(path / name), remedy=_REMEDY)
    for name in sorted(listed.keys() - present.keys()):
        raise AmalgamError(f"artifact {listed[name].name} is missing", where=str(path / name), remedy=_REMEDY)
    for name, artifact in sorted(listed.items()):
        if present[name] != artifact.size:
            raise _changed(path, artifact, f"{present[name]} bytes, the manifest says {artifact.size}")
    if deep:
        with ThreadPoolExecutor() as pool:
            digests = pool.map(lambda artifact: file_sha256(path / artifact.path), manifest.artifacts)
            for artifact, digest in zip(manifest.artifacts, digests, strict=True):
                if digest != artifact.sha256:
                    raise _changed(path, artifact, f"sha256 {digest}, the manifest says {artifact.sha256}")
    return manifest


def _changed(bundle: Path, artifact: Artifact, detail: str) -> AmalgamError:
    what = f"artifact {artifact.name} {artifact.version} ({artifact.arch}) was changed: {detail}"
    return AmalgamError(what, where=str(bundle / artifact.path), remedy=_REMEDY)


def _files(bundle: Path) -> Iterator[tuple[str, int]]:
    """Relative path and size of every file; only plain files and folders are allowed in a bundle.

    Raises:
        AmalgamError: a link, a device or the like.
    """
    for folder, names, files in os.walk(bundle):
        for name in (*names, *files):
            path = Path(folder) / name
            is_link = path.is_symlink()
            if is_link or not (path.is_dir() if name in names else path.is_file()):
                kind = "a symbolic link" if is_link else "not a plain file"
                raise AmalgamError(f"{kind} in the bundle", where=str(path), remedy=_REMEDY)
            if name in files:
                yield path.relative_to(bundle).as_posix(), path.stat().st_size
