"""The proxy's part of the forwarder: which node's port a caller asks for, by the lab's own names.

Certificates of the site carry its names (``registry.<domain>``, ``objects.<domain>``), and only nodes know those. A
program of this machine that is given an HTTP proxy asks it for such a name (``CONNECT``, RFC 9110) and speaks
TLS with the node itself.
"""

from __future__ import annotations

import socket
from pathlib import Path

_HEAD_BYTES = 16 * 1024
_HEAD_SECONDS = 10.0
_OWN = ("127.0.0.1", "127.0.1.1", "::1")


class RefusedError(Exception):
    """A request that is not carried: the reason, and the status (RFC 9110, 15) that tells it."""

    def __init__(self, status: int, reason: str) -> None:
        """Keep the status beside the reason."""
        self.status = status
        super().__init__(reason)


def known_names(hosts_files: list[Path]) -> dict[str, str]:
    """Name → address, from the nodes' own ``/etc/hosts``; without those by which a node means itself."""
    names = {}
    for file in hosts_files:
        for line in file.read_text().splitlines() if file.exists() else []:
            address, *aliases = line.partition("#")[0].split() or [""]
            if aliases and address not in _OWN:
                names.update(dict.fromkeys(aliases, address))
    return names


def read_head(client: socket.socket) -> bytes:
    """The head of a request, up to its empty line and never beyond: what follows is the node's.

    Raises:
        RefusedError: it does not end, or takes too long.
    """
    client.settimeout(_HEAD_SECONDS)
    try:
        seen = b""
        while b"\r\n\r\n" not in seen:
            # A client sends nothing after the head before it is answered.
            part = client.recv(_HEAD_BYTES - len(seen))
            if not part:
                raise RefusedError(400, "the request has no end")
            seen += part
    except TimeoutError:
        raise RefusedError(408, "the request did not come") from None
    finally:
        client.settimeout(None)
    return seen


def target(head: bytes, names: dict[str, str]) -> tuple[str, int]:
    """Address and port that a request's head asks for, by a name or an address of the lab.

    Raises:
        RefusedError: another method than CONNECT, or what no node knows.
    """
    method, _, rest = head.decode("latin-1").partition(" ")
    authority = rest.partition(" ")[0]
    if method != "CONNECT":
        raise RefusedError(405, "this proxy carries TLS only: CONNECT name:port")
    name, _, port = authority.rpartition(":")
    address = name if name in names.values() else names.get(name)
    if address is None or not port.isdecimal():
        raise RefusedError(403, f"no node of the lab knows {authority}")
    return address, int(port)
