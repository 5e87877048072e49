"""Files that a site brings itself, as no registry has them: drivers, firmware, Harbor's installer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from amalgam.bundle.contents import Placed
from amalgam.bundle.manifest import Artifact
from amalgam.bundle.store import file_sha256, key_of
from amalgam.errors import AmalgamError

CHECKSUMS = "SHA256SUMS"
"""What their makers, or who fetched them, say that they are, as sha256sum(1) writes and reads it."""
FOLDER = "site"
"""Where they lie in a bundle."""

_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) [ *](?P<name>[A-Za-z0-9][A-Za-z0-9._+-]*)")


def site_files(folder: Path) -> list[Placed]:
    """The files in ``folder``, each as its list of checksums has it.

    Raises:
        AmalgamError: there is no such list, or a line of it is none; a file is missing, another one, or not listed.
    """
    listed = dict(_listed(folder / CHECKSUMS))
    present = {path.name for path in folder.iterdir()} - {CHECKSUMS}
    for name in sorted(present - listed.keys()):
        remedy = f"take it out of the folder; or compare it with what its maker says, and add it: sha256sum {name}"
        raise AmalgamError(f"{CHECKSUMS} does not list it", where=str(folder / name), remedy=remedy)
    return [_placed(folder / name, sha256) for name, sha256 in sorted(listed.items())]


def digest_of(files: Iterable[Placed]) -> str:
    """One checksum for all of them."""
    return key_of([(one.artifact.path, one.artifact.sha256) for one in files])


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"write it in that folder: sha256sum FILE... >{CHECKSUMS}; and compare it with what their makers say"
        raise AmalgamError("the list of the files' checksums cannot be read", where=str(path), remedy=remedy) from error
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None or match["name"] in seen:
            reason = "a file is listed twice" if match else "not a checksum and the name of a file in that folder"
            raise AmalgamError(reason, where=f"{path}, line {number}", remedy="write it with sha256sum")
        seen.add(match["name"])
        yield match["name"], match["sha256"]


def _placed(file: Path, sha256: str) -> Placed:
    if file.is_symlink() or not file.is_file():
        remedy = f"put it there, or take it out of {CHECKSUMS}"
        raise AmalgamError(f"{CHECKSUMS} lists it, and it is no file", where=str(file), remedy=remedy)
    if (found := file_sha256(file)) != sha256:
        remedy = f"fetch it again; where its maker published another one, write that into {CHECKSUMS}"
        raise AmalgamError(f"sha256 {found}, {CHECKSUMS} says {sha256}", where=str(file), remedy=remedy)
    artifact = Artifact(
        name=file.name,
        version=sha256[:12],
        arch="all",
        kind="site",
        path=f"{FOLDER}/{file.name}",
        sha256=sha256,
        size=file.stat().st_size,
        source="the site",
    )
    return Placed(file, artifact)
