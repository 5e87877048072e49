"""A port of a test's own: one that was looked for and closed again may be somebody else's a moment later."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved(address: str = "127.0.0.1") -> Iterator[int]:
    """A port that refuses connections and that the kernel gives to nobody else meanwhile.

    A program that is told its number may listen there if it sets ``SO_REUSEADDR``, as servers in Go and Python do.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind((address, 0))
        yield kept.getsockname()[1]
