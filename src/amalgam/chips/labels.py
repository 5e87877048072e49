"""Labels and taints of nodes that follow from their chips, in the words that device plugins and schedulers look for."""

from __future__ import annotations

from dataclasses import dataclass, field

from amalgam.chips.table import ASCEND, kind_of

# MindCluster's scheduler and controllers run where this is.
_MASTER = {"masterselector": "dls-master-node"}


@dataclass(frozen=True)
class NodeMarks:
    """What a node should have beside what the kubelet gives it."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    taints: list[dict[str, str]] = field(default_factory=list)
    """For nodes whose chips are kept for pods that ask for them."""


def worker_marks(name: str, accelerator: str | None, architecture: str) -> NodeMarks:
    """Those of a worker; none where it has no chips.

    Raises:
        AmalgamError: the table has no such accelerator.
    """
    if not accelerator:
        return NodeMarks(name)
    kind = kind_of(accelerator)
    # Which model it is shows on the host only; sites have the first.
    labels = {**kind.labels, **kind.architecture_labels.get(architecture, {}), **kind.products[0].labels}
    return NodeMarks(name, labels, [kind.taint])


def control_plane_marks(name: str, accelerators: set[str]) -> NodeMarks:
    """Those of a control-plane node, of a site that has these accelerators."""
    return NodeMarks(name, dict(_MASTER) if ASCEND.accelerator in accelerators else {})


def both(one: NodeMarks, other: NodeMarks) -> NodeMarks:
    """Those of a node that is two things at once."""
    return NodeMarks(one.name, {**one.labels, **other.labels}, [*one.taints, *other.taints])
