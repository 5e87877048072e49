"""Nodes of another architecture than the machine's: their programs run under QEMU's user-mode emulation.

The kernel is told through binfmt_misc (https://docs.kernel.org/admin-guide/binfmt-misc.html), from inside the mount
namespaces that need it, so that a current kernel forgets it together with the last of them.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from amalgam.errors import AmalgamError

_OWN_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
# By machine and node: the format that Debian's qemu-user-static describes.
_FORMATS = {("amd64", "arm64"): "qemu-aarch64"}
_DESCRIPTIONS = Path("/usr/lib/binfmt.d")
_KERNEL = Path("/proc/sys/fs/binfmt_misc")

# Debian's units that load credentials, for which systemd makes a mount in a way that QEMU does not know.
_UNITS_WITH_CREDENTIALS = (
    "systemd-sysctl",
    "systemd-sysusers",
    "systemd-tmpfiles-clean",
    "systemd-tmpfiles-setup",
    "systemd-tmpfiles-setup-dev",
)
_NO_CREDENTIALS = "[Service]\nLoadCredential=\nSetCredential=\n"
# QEMU lets no program filter its system calls, and chronyd ends where it shall and cannot. The clock is the machine's.
_NO_FILTER = '[Service]\nEnvironment="DAEMON_OPTS=-F 0 -x"\n'


def own_architecture() -> str:
    """Debian's name of this machine's architecture."""
    machine = os.uname().machine
    return _OWN_NAMES.get(machine, machine)


def is_emulated(architecture: str) -> bool:
    """Whether a node of that architecture needs emulation here."""
    return architecture != own_architecture()


def require(architecture: str, *, where: str) -> None:
    """Check that a node of that architecture can run here.

    Raises:
        AmalgamError: this machine cannot emulate it, or QEMU is not installed.
    """
    if not is_emulated(architecture):
        return
    own = own_architecture()
    name = _FORMATS.get((own, architecture))
    if name is None:
        raise AmalgamError(
            f"this machine is {own} and cannot run a node that is {architecture}",
            where=where,
            remedy=f"bring up an inventory whose hosts are all {own}",
        )
    if not _description(name).is_file() or shutil.which("arch-test") is None:
        raise AmalgamError(
            f"a node that is {architecture} needs QEMU's user-mode emulation and arch-test, which are not installed",
            where=where,
            remedy="apt-get install qemu-user-static arch-test",
        )


def require_runtime(architecture: str, runtime_architecture: str, *, where: str) -> None:
    """Check that the container runtime of a node of that architecture is not emulated.

    Raises:
        AmalgamError: it would be, and so without seccomp and the bpf system call.
    """
    own = own_architecture()
    if is_emulated(architecture) and runtime_architecture != own:
        raise AmalgamError(
            f"its kernel is this machine's, {own}, and a container runtime for {runtime_architecture} fails on it",
            where=where,
            remedy=f"give the host `runtime_architecture: {own}` in hosts.yml",
        )


def register_script(architecture: str) -> str:
    """Shell commands that make the kernel run that architecture's programs; none where it does so by itself."""
    if not is_emulated(architecture):
        return ":"
    name = _FORMATS[own_architecture(), architecture]
    entry, description = shlex.quote(str(_KERNEL / name)), shlex.quote(str(_description(name)))
    return (
        f"[ -e {_KERNEL}/register ] || mount -t binfmt_misc lab {_KERNEL}\n"
        # Another node may do the same at this moment: what counts is that the entry is there.
        f"[ -e {entry} ] || cat {description} > {_KERNEL}/register || [ -e {entry} ]"
    )


def node_files(architecture: str) -> dict[str, str]:
    """What a node of that architecture has on its disk so that its units start under emulation, by path."""
    if not is_emulated(architecture):
        return {}
    settings = {**dict.fromkeys(_UNITS_WITH_CREDENTIALS, _NO_CREDENTIALS), "chrony": _NO_FILTER}
    return {f"etc/systemd/system/{unit}.service.d/emulated.conf": text for unit, text in settings.items()}


def _description(name: str) -> Path:
    return _DESCRIPTIONS / f"{name}.conf"
