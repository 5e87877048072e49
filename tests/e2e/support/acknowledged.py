"""Writers on a node that note each file once it is on disk: what is noted was acknowledged, and may never be lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.support.nodes import Node
from tests.e2e.support.waiting import wait_until

# Three at a time; every eighth file is a large one.
_WRITERS = """\
write() {{ n=0; while [ ! -e stop ]; do n=$((n + 1)); file=$1-$n
head -c $((n % 8 ? 65536 : 4194304)) /dev/urandom >$file && sync $file &&
sha256sum $file >>/run/acknowledged || break; done; }}
cd {folder} && for one in a b c; do write $one & done; wait"""


@contextmanager
def writing(node: Node, folder: str) -> Iterator[None]:
    """Writers at work on a node; they are stopped, and have ended, at the end."""
    node.run("rm -f /run/acknowledged")
    process = node.start(_WRITERS.format(folder=folder))
    try:
        yield
    finally:
        node.run(f"touch {folder}/stop", seconds=180)
        process.wait(timeout=180)


def noted(node: Node) -> int:
    """How many files the writers have noted."""
    return len(node.run("cat /run/acknowledged", check=False).stdout.splitlines())


def await_files(node: Node, count: int) -> None:
    """Wait until so many are."""
    wait_until(f"{count} files are written", lambda: noted(node), lambda seen: seen >= count, seconds=180)
