"""What the platform itself runs also runs on nodes that are kept for pods with chips: a site may have no others.

Seen here: nodes with NPUs were tainted, and neither the driver of volumes nor a second DNS server would come there.
"""

from __future__ import annotations

import re

from amalgam.chips.table import KINDS
from tests.contract.repository import files_below, text

_NAME = re.compile(r"^metadata:\n  name: (?P<name>\S+)$", re.MULTILINE)
_TOLERATED = re.compile(r"^        - \{(?:key: (?P<key>[^,]+), )?operator: Exists", re.MULTILINE)


def _tolerated() -> dict[str, set[str]]:
    """Workload -> keys of taints that its pods tolerate; the empty one stands for all."""
    found = {}
    for file in files_below("roles"):
        for document in re.split(r"^---$", text(file), flags=re.MULTILINE) if "templates" in file.parts else ():
            if re.search("^kind: (DaemonSet|Deployment)$", document, re.MULTILINE):
                name = _NAME.search(document)
                assert name, f"{file}: a workload whose name is not its first line of metadata"
                found[f"{file.parts[1]}/{name['name']}"] = {one["key"] or "" for one in _TOLERATED.finditer(document)}
    return found


def test_the_platforms_pods_come_to_nodes_that_are_kept_for_pods_with_chips() -> None:
    found = _tolerated()
    for kind in KINDS:
        assert kind.taint["key"] in found.pop(f"device_plugins/{kind.accelerator}")
    assert {"ceph_csi/node", "coredns/coredns", "pod_logs/vlagent", "shared_volumes/provisioner"} <= found.keys()
    taints = {kind.taint["key"] for kind in KINDS}
    assert {name for name, keys in found.items() if not (taints <= keys or "" in keys)} == set()
