"""This machine's architecture, in Debian's and Go's common name."""

from __future__ import annotations

import platform

from amalgam.errors import AmalgamError
from amalgam.pins import Arch

_NAMES: dict[str, Arch] = {"x86_64": "amd64", "aarch64": "arm64"}


def host_arch() -> Arch:
    """The architecture of this machine.

    Raises:
        AmalgamError: neither amd64 nor arm64.
    """
    machine = platform.machine()
    if machine not in _NAMES:
        raise AmalgamError(f"{machine} machines are not supported", remedy="use an amd64 or arm64 machine")
    return _NAMES[machine]
