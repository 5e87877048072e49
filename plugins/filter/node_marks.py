"""Filters ``node_marks``, ``node_changes``: a shim over :mod:`amalgam.chips.labels`, :mod:`amalgam.node_changes`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from amalgam.chips.labels import NodeMarks, both, control_plane_marks, worker_marks
from amalgam.node_changes import label_changes, read_nodes, taint_changes

_MARKS = TypeAdapter(list[NodeMarks])


def node_marks(hostvars: Mapping[str, Any], hosts: Iterable[str], control_plane: Iterable[str]) -> list[dict[str, Any]]:
    """Labels and taints of the nodes ``hosts``, by what the inventory says of their chips."""
    accelerators = {str(hostvars[host].get("accelerator", "")) for host in hostvars}
    marks = []
    for host in hosts:
        facts = hostvars[host]
        found = worker_marks(str(host), str(facts.get("accelerator", "")), str(facts.get("architecture", "amd64")))
        masters = {str(name) for name in control_plane}
        marks.append(asdict(both(found, control_plane_marks(found.name, accelerators)) if host in masters else found))
    return marks


def node_changes(answer: str, wanted: str, tainted: Iterable[str]) -> dict[str, Any]:
    """Labels to apply, and taints to change of nodes with the accelerators ``tainted``.

    ``wanted`` is JSON (see ``registry_access``), ``answer`` is kubectl's.
    """
    marks, nodes = _MARKS.validate_json(wanted), read_nodes(str(answer))
    return {
        "labels": label_changes(marks, nodes),
        "taints": taint_changes(marks, nodes, tainted=[str(one) for one in tainted]),
    }


class FilterModule:
    """Ansible's way to find the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function: ``hostvars | node_marks(hosts, masters)``, ``answer | node_changes(wanted, tainted)``."""
        return {"node_marks": node_marks, "node_changes": node_changes}
