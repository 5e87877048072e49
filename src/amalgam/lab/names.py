"""Names of everything a lab leaves on the machine, all derived from the checkout's path.

Two checkouts on one machine (one at work, a clone under test) therefore never share a namespace, cgroup or address.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amalgam.errors import AmalgamError
from amalgam.paths import project_root

_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+@~-]+")
_LOOPBACKS_TRIED = 64


@dataclass(frozen=True)
class Names:
    """Names and paths of the lab of one checkout."""

    root: Path

    @classmethod
    def of_checkout(cls) -> Names:
        """Names of the lab of this checkout.

        Raises:
            AmalgamError: its path has characters that overlay mounts and ssh_config cannot take.
        """
        root = project_root()
        if not _PLAIN_PATH.fullmatch(str(root)):
            raise AmalgamError(
                "the checkout's path has characters that mount options and ssh_config cannot take",
                where=str(root),
                remedy="move the checkout to a path of letters, digits and . _ / + @ ~ -",
            )
        return cls(root)

    @property
    def _digest(self) -> bytes:
        return hashlib.sha256(str(self.root).encode()).digest()

    @property
    def lab(self) -> str:
        """Name of the lab: ``amalgam-`` and six hex digits of the checkout path's sha256."""
        return f"amalgam-{self._digest.hex()[:6]}"

    @property
    def network(self) -> str:
        """Network namespace that holds the bridge."""
        return f"{self.lab}-net"

    def node_network(self, node: str) -> str:
        """Network namespace of one node."""
        return f"{self.lab}-node-{node}"

    def machine(self, node: str) -> str:
        """Machine name under which nspawn runs the node."""
        return f"{self.lab}-{node}"

    def node_cgroup(self, node: str) -> str:
        """Path of the node's cgroup in every hierarchy."""
        return f"{self.lab}/{node}"

    @property
    def folder(self) -> Path:
        """Where the lab keeps its state, keys and disks."""
        return self.root / ".lab"

    def node_folder(self, node: str) -> Path:
        """Disk, keys and console log of one node."""
        return self.folder / "nodes" / node

    @property
    def state_file(self) -> Path:
        """What the lab knows of itself."""
        return self.folder / "state.json"

    @property
    def forwards_file(self) -> Path:
        """What the forwarder was told to listen on."""
        return self.folder / "forwards.json"

    @property
    def ssh_config(self) -> Path:
        """How ``ssh -F`` reaches the nodes."""
        return self.folder / "ssh_config"

    @property
    def ssh_key(self) -> Path:
        """Private key that root on every node accepts."""
        return self.folder / "id_ed25519"

    @property
    def mail_folder(self) -> Path:
        """What clients of the lab's mail server need."""
        return self.folder / "mail"

    @property
    def known_hosts(self) -> Path:
        """Host keys of the nodes, made before they boot."""
        return self.folder / "known_hosts"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig as it works from this machine; ``amalgam lab kubeconfig`` writes it."""
        return self.folder / "kubeconfig"

    def loopback_bases(self) -> Iterator[str]:
        """Prefixes ``127.x.y`` to try in turn for the nodes' loopback addresses; the first is derived from the path.

        ``127.0`` is never among them: programs on the machine use it.
        """
        start = int.from_bytes(self._digest[3:5], "big")
        for step in range(_LOOPBACKS_TRIED):
            number = (start + step) % (255 * 256)
            yield f"127.{number // 256 + 1}.{number % 256}"


def mac_address(address: str) -> str:
    """The node's MAC address: locally administered, the same after each start, from its IPv4 address."""
    return "02:58:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def port_name(address: str) -> str:
    """Name of the node's port on the bridge; unique for each IPv4 address and within the kernel's 15 characters."""
    return "v" + "".join(f"{int(part):02x}" for part in address.split("."))


def loopback_hosts(addresses: list[str]) -> list[int]:
    """Last octet of each node's loopback address: that of its own address where those are unique, else its position."""
    last = [int(address.rsplit(".", 1)[1]) for address in addresses]
    usable = len(set(last)) == len(last) and all(1 <= octet <= 254 for octet in last)
    if usable:
        return last
    if len(addresses) > 254:
        raise AmalgamError("a lab has at most 254 nodes", remedy="bring up a smaller inventory")
    return list(range(1, len(addresses) + 1))
