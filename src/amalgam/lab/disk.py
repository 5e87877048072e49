"""A node's disk: the upper layer over the shared root, seeded with what makes it this node, and plain folders.

containerd cannot put an overlay on an overlay, so its folder (and those of the kubelet and etcd) are plain ones.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from amalgam.lab import emulation, ssh
from amalgam.lab.names import Names

PLAIN_FOLDERS = {"var/lib/containerd": 0o711, "var/lib/kubelet": 0o750, "var/lib/etcd": 0o700}
"""Folders of the node that are bind mounts from this machine's disk, with their modes."""


def create(names: Names, *, node: str, architecture: str) -> None:
    """Make a fresh disk. Host keys stay those of the node's first disk, so that known_hosts stays true."""
    folder = names.node_folder(node)
    remove(names, node=node)
    ssh.create_host_key(names, node=node)
    for part in ("upper", "work", "merged"):
        (folder / part).mkdir(parents=True)
    for path, mode in PLAIN_FOLDERS.items():
        plain = plain_folder(folder, path)
        plain.mkdir(parents=True)
        plain.chmod(mode)
    _seed(folder / "upper", names, node)
    for path, text in emulation.node_files(architecture).items():
        (folder / "upper" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "upper" / path).write_text(text)


def plain_folder(folder: Path, path: str) -> Path:
    """Where on this machine the node's plain folder ``path`` lies."""
    return folder / "plain" / Path(path).name


def remove(names: Names, *, node: str) -> None:
    """Throw the disk away; what it was given by the lab (keys) stays."""
    folder = names.node_folder(node)
    for part in ("upper", "work", "merged", "plain"):
        if (folder / part).exists():
            shutil.rmtree(folder / part)


def _seed(upper: Path, names: Names, node: str) -> None:
    upper.chmod(0o755)
    etc_ssh = upper / "etc" / "ssh"
    etc_ssh.mkdir(parents=True)
    (upper / "etc/hostname").write_text(f"{node}\n")
    (upper / "etc/hosts").write_text(
        f"127.0.0.1\tlocalhost\n127.0.1.1\t{node}\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    )
    (upper / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    for suffix, mode in (("", 0o600), (".pub", 0o644)):
        key = shutil.copyfile(f"{ssh.host_key(names, node)}{suffix}", etc_ssh / f"ssh_host_ed25519_key{suffix}")
        key.chmod(mode)
    root_ssh = upper / "root" / ".ssh"
    root_ssh.mkdir(parents=True)
    (upper / "root").chmod(0o700)
    root_ssh.chmod(0o700)
    authorized = shutil.copyfile(f"{names.ssh_key}.pub", root_ssh / "authorized_keys")
    authorized.chmod(0o600)
