"""What the machine that builds a bundle has to have beside Python, checked before any work begins."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from amalgam.bundle.programs import TRIPLETS
from amalgam.errors import AmalgamError
from amalgam.pins import Arch

# Command -> Debian package that brings it.
_ALWAYS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "pkg-config": "pkg-config",
    "ssh-keygen": "openssh-client",
    "zstd": "zstd",
}
_HEADERS = {"amd64": "libc6-dev-amd64-cross", "arm64": "libc6-dev-arm64-cross"}


def require_tools(arches: Sequence[Arch], host: Arch) -> None:
    """Check for every tool that building for ``arches`` on ``host`` needs.

    Raises:
        AmalgamError: some are missing; the remedy is the command that installs them all.
    """
    wanted = dict(_ALWAYS)
    for arch in arches:
        own = arch == host
        package = "gcc libc6-dev" if own else f"gcc-{TRIPLETS[arch].replace('_', '-')} {_HEADERS[arch]}"
        wanted[f"{TRIPLETS[arch]}-gcc"] = package
    missing = {command: package for command, package in wanted.items() if shutil.which(command) is None}
    if missing:
        raise AmalgamError(
            f"commands that a bundle build needs are missing: {', '.join(sorted(missing))}",
            where="this machine",
            remedy=f"apt-get install {' '.join(sorted(set(missing.values())))}",
        )
