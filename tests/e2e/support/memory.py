"""Memory of nodes and their programs: how much one took, and a node that is short of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.support.nodes import Node

_UNIT = "memory-test"

# Takes memory until three quarters of the node's are in use, and keeps it until it is killed.
_EAT = """
import re, time
def left():
    return dict(re.findall(r"(\\w+): +(\\d+) kB", open("/proc/meminfo").read()))
kept = []
while int(left()["MemAvailable"]) > int(left()["MemTotal"]) * 0.22:
    kept.append(b"x" * (16 << 20))
time.sleep(600)
"""


@contextmanager
def memory_in_use(node: Node) -> Iterator[None]:
    """Three quarters of the node's memory are in use for a while."""
    eater = node.start(f"exec systemd-run --pipe --unit {_UNIT} python3 -c {shlex.quote(_EAT)}")
    try:
        yield
    finally:
        node.run(f"systemctl stop {_UNIT}.service", check=False)
        eater.wait(timeout=30)


def peak_mib(node: Node, pid: str) -> int:
    """The most memory that a process has taken since its start; caches of files are not counted.

    Args:
        node: where it runs.
        pid: command that prints its number.
    """
    status = node.run(f"cat /proc/$({pid})/status").stdout
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
