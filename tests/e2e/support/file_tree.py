"""What lies on a node's disk and runs there, so that two moments or two nodes can be compared."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.e2e.support.nodes import Node

# Runs on the node. Kinds: a file by mode, owner and checksum, a link by its target, a folder by mode and owner.
_WALK = r"""
import hashlib, json, os, stat, sys
found = {}
def note(path):
    info = os.lstat(path)
    facts = [oct(info.st_mode), info.st_uid, info.st_gid]
    if stat.S_ISLNK(info.st_mode):
        facts = ["link", os.readlink(path)]
    elif stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            facts.append(hashlib.file_digest(file, "sha256").hexdigest())
    found[path] = " ".join(map(str, facts))
for top in sys.argv[1:]:
    if os.path.lexists(top):
        note(top)
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            try:
                note(os.path.join(folder, name))
            except FileNotFoundError:
                continue
print(json.dumps(found))
"""


# Log-ins, and what the message bus starts when somebody asks and what ends by itself.
_COME_AND_GO = ("user@", "user-runtime-dir@", "systemd-hostnamed", "systemd-timedated", "systemd-localed")


def file_tree(node: Node, *folders: str) -> dict[str, str]:
    """Path -> what lies there, of everything in the folders."""
    done = node.run(f"python3 - {' '.join(folders)}", stdin=_WALK)
    return dict(json.loads(done.stdout))


def running_units(node: Node) -> set[str]:
    """Services, sockets, timers and paths that are active, without those that come and go by themselves."""
    listed = node.run(
        "systemctl list-units --type=service,socket,timer,path --state=active --plain --no-legend --no-pager"
    )
    units = {line.split()[0] for line in listed.stdout.splitlines() if line.strip()}
    return {unit for unit in units if not unit.startswith(_COME_AND_GO)}


@dataclass(frozen=True)
class Difference:
    """How one tree differs from another, by path."""

    only_first: list[str]
    only_second: list[str]
    other: list[str]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.only_first or self.only_second or self.other)


def difference(first: dict[str, str], second: dict[str, str], *, ignored: tuple[str, ...] = ()) -> Difference:
    """Compare two trees, leaving out what lies at or below the ignored paths."""

    def counts(path: str) -> bool:
        return not any(path == one or path.startswith(f"{one}/") for one in ignored)

    return Difference(
        sorted(path for path in first.keys() - second.keys() if counts(path)),
        sorted(path for path in second.keys() - first.keys() if counts(path)),
        sorted(path for path in first.keys() & second.keys() if counts(path) and first[path] != second[path]),
    )
