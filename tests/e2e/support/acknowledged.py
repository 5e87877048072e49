"""A writer on a node that notes each file once it is on disk: what is noted was acknowledged, and may never be lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.support.nodes import Node
from tests.e2e.support.waiting import wait_until

_WRITER = """\
cd {folder} && n=0; while [ ! -e stop ]; do n=$((n + 1))
head -c 65536 /dev/urandom >f$n && sync f$n && sha256sum f$n >>/run/acknowledged || break; done"""


@contextmanager
def writing(node: Node, folder: str) -> Iterator[None]:
    """A writer at work on a node; it is stopped, and has ended, at the end."""
    node.run("rm -f /run/acknowledged")
    process = node.start(_WRITER.format(folder=folder))
    try:
        yield
    finally:
        node.run(f"touch {folder}/stop", seconds=180)
        process.wait(timeout=180)


def noted(node: Node) -> int:
    """How many files the writer has noted."""
    return len(node.run("cat /run/acknowledged", check=False).stdout.splitlines())


def await_files(node: Node, count: int) -> None:
    """Wait until so many are."""
    wait_until(f"{count} files are written", lambda: noted(node), lambda seen: seen >= count, seconds=180)
