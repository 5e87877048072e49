"""Running the programs of the machine, and saying plainly what went wrong with them."""

from __future__ import annotations

import os
import shutil
import subprocess

from amalgam.errors import AmalgamError

PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nft": "nftables",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "lxcfs": "lxcfs",
}
"""What the lab runs, by the Debian package that has it."""

_LAST_LINES = 12


def require_root() -> None:
    """The lab makes namespaces and mounts.

    Raises:
        AmalgamError: the caller is not root.
    """
    if os.geteuid() != 0:
        raise AmalgamError("the lab needs root: it makes namespaces, mounts and cgroups", remedy="run it with sudo")


def require_programs() -> None:
    """Check that what the lab runs is installed.

    Raises:
        AmalgamError: names the missing programs and the packages that have them.
    """
    missing = {program: package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise AmalgamError(
            f"programs that the lab needs are not installed: {', '.join(missing)}",
            where="PATH",
            remedy=f"apt-get install {packages}  (scripts/bootstrap.sh does it)",
        )


def run(*argv: str, stdin: str | None = None, remedy: str = "") -> str:
    """Run one program to its end and return its standard output.

    Raises:
        AmalgamError: it ended non-zero; names the command and the last lines it wrote.
    """
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AmalgamError(
            f"ended with {done.returncode}: {last_lines(done.stderr or done.stdout)}",
            where=" ".join(argv),
            remedy=remedy,
        )
    return done.stdout


def last_lines(text: str) -> str:
    """The end of a program's output, short enough for an error message."""
    return "\n".join(text.strip().splitlines()[-_LAST_LINES:])
