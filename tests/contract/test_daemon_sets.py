"""What is to run on every node also runs on those that are kept for pods with chips.

Seen here: nodes with NPUs were tainted, and the driver of volumes would not have come there any more.
"""

from __future__ import annotations

import re

from amalgam.chips.table import KINDS
from tests.contract.repository import files_below, text

_NAME = re.compile(r"^metadata:\n  name: (?P<name>\S+)$", re.MULTILINE)
_TOLERATED = re.compile(r"^        - \{(?:key: (?P<key>[^,]+), )?operator: Exists", re.MULTILINE)


def _tolerated() -> dict[str, set[str]]:
    """DaemonSet -> keys of taints that its pods tolerate; all of them where the empty one is among them."""
    found = {}
    for file in files_below("roles"):
        for document in re.split(r"^---$", text(file), flags=re.MULTILINE) if "templates" in file.parts else ():
            if re.search("^kind: DaemonSet$", document, re.MULTILINE):
                name = _NAME.search(document)
                assert name, f"{file}: a DaemonSet whose name is not its first line of metadata"
                found[f"{file.parts[1]}/{name['name']}"] = {one["key"] or "" for one in _TOLERATED.finditer(document)}
    return found


def test_daemons_come_to_nodes_that_are_kept_for_pods_with_chips() -> None:
    found = _tolerated()
    for kind in KINDS:
        own = found.pop(f"device_plugins/{kind.accelerator}")
        assert kind.taint["key"] in own
    assert found.keys() == {"ceph_csi/node", "pod_logs/vlagent"}
    taints = {kind.taint["key"] for kind in KINDS}
    assert {name for name, keys in found.items() if not (taints <= keys or "" in keys)} == set()
