"""Programs of this machine's architecture in an emulated node: those that its own architecture cannot give it there.

QEMU's user-mode emulation opens netlink sockets of few protocols (``do_socket`` in its ``linux-user/syscall.c``); that
of netfilter, by which a firewall is set, is not among them. Ceph's client that needs none in the kernel is Debian's for
amd64 alone.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from amalgam.lab.commands import run

PACKAGES = ("ceph-fuse",)
"""Where the programs come from that a bare root does not have."""

PROGRAMS = ("/usr/sbin/nft", "/usr/bin/ceph-fuse")


def install(upper: Path, own_root: Path) -> None:
    """Put them, with the libraries they load, over the node's own programs.

    Both architectures' libraries lie side by side (https://wiki.debian.org/Multiarch).

    Args:
        upper: root of the upper layer of the node's disk.
        own_root: a Debian root of this machine's architecture, with the packages.

    Raises:
        AmalgamError: the root lacks one of the programs.
    """
    paths = [*PROGRAMS, *sorted(_libraries(own_root))]
    sources = run("chroot", str(own_root), "realpath", "--canonicalize-existing", *paths).splitlines()
    for path, source in zip(paths, sources, strict=True):
        # /lib and /lib64 are links into usr/, which a folder in the upper layer would hide.
        target = upper / "usr" / path.removeprefix("/usr").lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(own_root / source.lstrip("/"), target)


def _libraries(own_root: Path) -> set[str]:
    """What the programs load, and what loads them."""
    listed = run("chroot", str(own_root), "ldd", *PROGRAMS)
    return set(re.findall(r"(/\S+) \(0x", listed))
