"""The Debian root that nodes share as the lower layer of their disks: made once from the bundle's packages, and cached.

It holds what a freshly installed Debian server has, and nothing that a role installs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from amalgam.errors import AmalgamError
from amalgam.lab import emulation
from amalgam.lab.commands import last_lines
from amalgam.paths import cache_dir

SUITE = "bookworm"

PACKAGES = (
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "libpam-systemd",
    "netbase",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tzdata",
    "udev",
)
"""What a bare Debian server has beside the essential packages and apt."""

_STAGES = ("I: downloading", "I: extracting", "I: installing")
"""What mmdebstrap says that a person who waits wants to know."""

# As Debian's installer lays it out. mmdebstrap's own hook wants the package usr-is-merged, which a closed set that has
# usrmerge lacks.
_MERGED_USR = 'for part in bin sbin lib lib64; do mkdir -p "$1/usr/$part"; ln -s "usr/$part" "$1/$part"; done'

_SERVER_UNIT = """\
[Unit]
Description=What this container lacks of a server: writable cgroups, BPF file system, kernel messages, FUSE
DefaultDependencies=no
Before=sysinit.target systemd-sysctl.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -ec 'for group in /sys/fs/cgroup/*/; do mount -o remount,rw,bind "$group"; done'
ExecStart=/bin/mount -t bpf -o mode=0700 bpf /sys/fs/bpf
ExecStart=/bin/mknod -m 0600 /dev/kmsg c 1 11
ExecStart=/bin/mknod -m 0666 /dev/fuse c 10 229

[Install]
WantedBy=sysinit.target
"""

_FILES = {
    # The disk of a lab node is thrown away: it need not survive a power cut in the middle of an installation.
    "etc/dpkg/dpkg.cfg.d/lab": "force-unsafe-io\n",
    "etc/systemd/system/lab-server.service": _SERVER_UNIT,
    "etc/resolv.conf": "# no name server\n",
    "etc/machine-id": "",
}

_LINKS = {
    "etc/systemd/system/sysinit.target.wants/lab-server.service": "/etc/systemd/system/lab-server.service",
    # The machine's devices and program formats are not the node's to set, and nobody sits at its console.
    "etc/systemd/system/systemd-udev-trigger.service": "/dev/null",
    "etc/systemd/system/systemd-binfmt.service": "/dev/null",
    "etc/systemd/system/proc-sys-fs-binfmt_misc.automount": "/dev/null",
    "etc/systemd/system/proc-sys-fs-binfmt_misc.mount": "/dev/null",
    "etc/systemd/system/console-getty.service": "/dev/null",
    "etc/systemd/system/nvmf-autoconnect.service": "/dev/null",
    # The settings of package ceph-osd would be the whole machine's.
    "etc/sysctl.d/30-ceph-osd.conf": "/dev/null",
}

_LEFT_OUT = ("etc/hostname", "etc/apt/sources.list")


def prepare(repository: Path, architecture: str, report: Callable[[str], None], packages: tuple[str, ...] = ()) -> Path:
    """The folder of the root for one architecture, made now unless the cache has it.

    Args:
        repository: flat apt repository of the bundle, such as ``<bundle>/debian/amd64``.
        architecture: Debian's name of it.
        report: told what goes on, a line at a time.
        packages: more of them than a bare server has.

    Raises:
        AmalgamError: the repository is missing or lacks a package.
    """
    index = repository / "Packages"
    if not index.is_file():
        raise AmalgamError(
            f"the bundle has no Debian repository for {architecture}",
            where=str(index),
            remedy=f"amalgam bundle build --arch {architecture}",
        )
    folder = cache_dir() / "rootfs" / f"{architecture}-{_digest(index, architecture, packages)}"
    with _building(folder):
        if not folder.is_dir():
            _build(folder, repository, architecture, report, packages)
    return folder


def _digest(index: Path, architecture: str, packages: tuple[str, ...]) -> str:
    made_of = json.dumps([architecture, SUITE, [*PACKAGES, *packages], _FILES, _LINKS, _LEFT_OUT], sort_keys=True)
    return hashlib.sha256(made_of.encode() + index.read_bytes()).hexdigest()[:16]


@contextmanager
def _building(folder: Path) -> Iterator[None]:
    """Two labs on one machine make a root once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _build(
    folder: Path, repository: Path, architecture: str, report: Callable[[str], None], packages: tuple[str, ...]
) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    about = "some minutes: it is emulated" if emulation.is_emulated(architecture) else "about a minute"
    report(f"Debian root for {architecture}: making it from the bundle, once ({about})")
    _mmdebstrap(partial, repository, architecture, report, packages)
    _make_bare(partial)
    partial.rename(folder)


def _mmdebstrap(
    target: Path, repository: Path, architecture: str, report: Callable[[str], None], packages: tuple[str, ...]
) -> None:
    command = [
        # In a mount namespace of its own: a run that is killed leaves no mount behind.
        *("unshare", "--mount", "--propagation=private"),
        *("sh", "-ec", f'{emulation.register_script(architecture)}\nexec "$@"', "sh"),
        *("mmdebstrap", "--mode=root", "--variant=apt", f"--architectures={architecture}"),
        f"--setup-hook={_MERGED_USR}",
        f"--include={','.join((*PACKAGES, *packages))}",
        *(SUITE, str(target)),
        # The bundle's manifest vouches for the repository; it carries no signature of its own.
        f"deb [trusted=yes] copy://{repository.resolve()} ./",
    ]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        for line in process.stdout:
            lines.append(line)
            if line.startswith(_STAGES):
                report(f"Debian root for {architecture}: {line[3:].strip()}")
    if process.returncode != 0:
        raise AmalgamError(
            f"mmdebstrap ended with {process.returncode}: {last_lines(''.join(lines))}",
            where=str(repository),
            remedy="build the bundle again: its Debian repository must hold the lab's packages and what they depend on",
        )


def _make_bare(root: Path) -> None:
    """What an installer leaves to the machine it installs: no host keys, no name, no sources."""
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for name in _LEFT_OUT:
        (root / name).unlink(missing_ok=True)
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, target in _LINKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(target)
