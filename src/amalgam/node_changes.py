"""What must be done to nodes of a cluster so that they have the labels and taints they should have.

Labels are applied on the server's side, so that the server knows which are ours: one that is no longer wanted goes, and
those of others stay (https://kubernetes.io/docs/reference/using-api/server-side-apply/). Taints are one list to it that
would be ours as a whole, and are changed one by one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amalgam.chips.labels import NodeMarks
from amalgam.chips.table import KINDS, kind_of

_OUR_TAINTS = frozenset(kind.taint["key"] for kind in KINDS)

Taint = dict[str, str]


@dataclass(frozen=True)
class Node:
    """A node as the cluster has it."""

    labels: dict[str, str]
    taints: list[Taint]
    ours: frozenset[str]
    """Keys of the labels that were applied by us."""


_BARE = Node({}, [], frozenset())


def read_nodes(answer: str) -> dict[str, Node]:
    """Nodes by name, from lines of name, labels, taints and the fields we applied, with tabs between them.

    All but the name are JSON, or empty.
    Source of the fields' form: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/.
    """
    nodes = {}
    for line in answer.splitlines():
        name, labels, taints, fields = line.split("\t")
        managed: dict[str, Any] = json.loads(fields) if fields else {}
        ours = managed.get("f:metadata", {}).get("f:labels", {})
        keys = frozenset(key.removeprefix("f:") for key in ours if key != ".")
        nodes[name] = Node(json.loads(labels), json.loads(taints) if taints else [], keys)
    return nodes


def label_changes(wanted: Iterable[NodeMarks], nodes: dict[str, Node]) -> list[dict[str, Any]]:
    """The nodes to apply: those whose labels are not as wanted.

    A node that the cluster lacks is not among them, since to apply it would be to make it; without any node there is no
    cluster yet, and all that is wanted is to be done.
    """
    return [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": marks.name, "labels": marks.labels}}
        for marks in _there(wanted, nodes)
        if _differs(marks, nodes.get(marks.name, _BARE))
    ]


def _there(wanted: Iterable[NodeMarks], nodes: dict[str, Node]) -> list[NodeMarks]:
    return [marks for marks in wanted if marks.name in nodes or not nodes]


def _differs(marks: NodeMarks, node: Node) -> bool:
    lacking = any(node.labels.get(key) != value for key, value in marks.labels.items())
    return lacking or bool(node.ours - marks.labels.keys())


def taint_changes(wanted: Iterable[NodeMarks], nodes: dict[str, Node], *, tainted: Collection[str]) -> list[list[str]]:
    """Arguments of ``kubectl taint nodes --overwrite``, a list for each node that differs.

    Args:
        wanted: nodes with the taints they may have.
        nodes: nodes as they are.
        tainted: accelerators whose nodes are to have them; others are to have none of ours.

    Raises:
        AmalgamError: the table has no such accelerator.
    """
    keys = {kind_of(accelerator).taint["key"] for accelerator in tainted}
    changes = []
    for marks in _there(wanted, nodes):
        words = list(_words([one for one in marks.taints if one["key"] in keys], nodes.get(marks.name, _BARE).taints))
        if words:
            changes.append([marks.name, *words])
    return changes


def _words(wanted: list[Taint], present: list[Taint]) -> Iterator[str]:
    for one in wanted:
        if one not in present:
            yield f"{one['key']}={one['value']}:{one['effect']}"
    kept = {one["key"] for one in wanted}
    for key in sorted({one["key"] for one in present} & _OUR_TAINTS - kept):
        yield f"{key}-"
