"""The shared file system beside the raw disk of a worker, in one run: large files, and many small ones."""

from __future__ import annotations

import json

from tests.bench.idle import wait_idle
from tests.bench.report import Comparison
from tests.e2e.support.nodes import Lab, Node

MOUNT = "/srv/shared/volumes"
DISK = "/var/tmp"

_LARGE_MIB = 1024
_SMALL_FILES = 1000
_SMALL_KIB = 4

# Writes end with what is on the disk. Reads are of what is not in the page cache; the file system's are made on another
# worker, whose client has none of it either. Prints seconds.
_PROGRAM = """
import json, os, sys, time
what, folder, large, count, small = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
block, names = os.urandom(1 << 22), [f"{folder}/small-{n}" for n in range(count)]

def write(name, blocks):
    with open(name, "wb", buffering=0) as file:
        for one in blocks:
            file.write(one)
        os.fsync(file.fileno())

def read(name):
    with open(name, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(1 << 22):
            pass

def timed(function, calls):
    began = time.monotonic()
    for arguments in calls:
        function(*arguments)
    return time.monotonic() - began

if what == "write":
    os.makedirs(folder)
    calls = write, [(f"{folder}/large", [block] * (large >> 2))], [(name, [block[: small << 10]]) for name in names]
else:
    calls = read, [(f"{folder}/large",)], [(name,) for name in names]
print(json.dumps([timed(calls[0], calls[1]), timed(calls[0], calls[2])]))
"""


def compare(lab: Lab) -> list[Comparison]:
    """Write on the first worker; read the disk's files there, and the file system's on the last worker.

    Raises:
        AssertionError: a command failed; nothing is left in either place.
    """
    workers = [lab.node(name) for name in lab.members("workers")]
    wait_idle()
    mount = _measure(workers[0], workers[-1], f"{MOUNT}/bench")
    disk = _measure(workers[0], workers[0], f"{DISK}/bench")
    units = ("MiB/s", "files/s")
    what = (f"{_LARGE_MIB} MiB, sequential", f"{_SMALL_FILES} files of {_SMALL_KIB} KiB")
    amounts = (_LARGE_MIB, _SMALL_FILES)
    return [
        Comparison(f"{verb} {what[kind]}", units[kind], *(amounts[kind] / one[verb][kind] for one in (mount, disk)))
        for kind in (0, 1)
        for verb in ("write", "read")
    ]


def _measure(writer: Node, reader: Node, folder: str) -> dict[str, list[float]]:
    """Seconds of writing and reading: the large file, then all the small ones."""
    writer.run(f"rm -rf {folder}")
    try:
        return {verb: _run(node, verb, folder) for verb, node in (("write", writer), ("read", reader))}
    finally:
        writer.run(f"rm -rf {folder}")


def _run(node: Node, verb: str, folder: str) -> list[float]:
    arguments = f"{verb} {folder} {_LARGE_MIB} {_SMALL_FILES} {_SMALL_KIB}"
    times: list[float] = json.loads(node.run(f"python3 - {arguments}", stdin=_PROGRAM, seconds=600).stdout)
    return times
