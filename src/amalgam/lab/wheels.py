"""Python libraries for programs that the lab puts on its nodes: unpacked from the bundle's wheels."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from amalgam.errors import AmalgamError

_ENDINGS = {"amd64": "x86_64.whl", "arm64": "aarch64.whl"}


def unpack(wheels: Path, libraries: Iterable[str], architecture: str, folder: Path) -> None:
    """Unpack ``libraries`` (distribution names as wheels spell them) for ``architecture`` into ``folder``.

    Raises:
        AmalgamError: the bundle lacks one of them.
    """
    for library in libraries:
        with zipfile.ZipFile(_wheel(wheels, library, architecture)) as archive:
            archive.extractall(folder)


def _wheel(wheels: Path, library: str, architecture: str) -> Path:
    endings = (_ENDINGS[architecture], "-any.whl")
    for wheel in sorted(wheels.glob(f"{library}-*.whl")):
        if wheel.name.endswith(endings):
            return wheel
    raise AmalgamError(
        f"the bundle has no wheel of {library} for {architecture}, which the lab puts on a node",
        where=str(wheels),
        remedy=f"amalgam bundle build --arch {architecture}",
    )
