"""What a lab is now, for people and for machines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from rich.table import Table

from amalgam.lab import cluster, emulation, network, node
from amalgam.lab.commands import require_root
from amalgam.lab.names import Names
from amalgam.lab.state import NodeState, load

DOWN, UP, PARTIAL = "down", "up", "partial"
NONE, ANSWERS, SILENT = "none", "answers", "silent"
"""Of the cluster on the lab; what it says does not count for the lab's own state."""


def status(names: Names) -> dict[str, Any]:
    """Everything known of the lab, as plain data.

    Raises:
        AmalgamError: the caller is not root, and so cannot look into the nodes.
    """
    require_root()
    state = load(names)
    if state is None:
        return {"lab": names.lab, "state": DOWN, "nodes": [], "forwards": []}
    with ThreadPoolExecutor(max_workers=len(state.nodes) + 1) as pool:
        asked = pool.submit(cluster.members, names)
        nodes = list(pool.map(_node, state.nodes.values()))
        members = asked.result()
    for entry in nodes:
        member = (members or {}).get(entry["name"])
        entry["kubernetes"] = asdict(member) if member else None
    forwarder = state.forwarder is not None and state.forwarder.alive()
    attempts = network.egress(names)
    return {
        "lab": state.lab,
        "state": UP if forwarder and all(entry["state"] == "running" for entry in nodes) else PARTIAL,
        "inventory": state.inventory,
        "network": {"node_cidr": state.node_cidr, "gateway": state.gateway, "namespace": names.network},
        "nodes": nodes,
        "cluster": SILENT if members is None else ANSWERS if members else NONE,
        "forwarder": "running" if forwarder else "stopped",
        "forwards": [entry.model_dump() for entry in state.forwards],
        "ssh_config": str(names.ssh_config),
        "ssh_key": str(names.ssh_key),
        "known_hosts": str(names.known_hosts),
        "kubeconfig": str(names.kubeconfig),
        "egress": {
            "packets": sum(attempt.packets for attempt in attempts),
            "attempts": [asdict(attempt) for attempt in attempts],
        },
    }


def _node(entry: NodeState) -> dict[str, Any]:
    current = node.system_state(entry)
    return {
        **entry.model_dump(include={"name", "role", "architecture", "address", "loopback", "memory_mib"}),
        "state": current,
        "emulated": emulation.is_emulated(entry.architecture),
        "failed_units": node.failed_units(entry) if current == "degraded" else [],
    }


def tables(facts: dict[str, Any]) -> list[Table]:
    """The nodes and the addresses to open, as tables for people."""
    columns = ("node", "role", "architecture", "address", "on this machine", "state", "Kubernetes")
    nodes = Table(*columns, title=f"Lab {facts['lab']}")
    for entry in facts["nodes"]:
        shown = " ".join([entry["state"], *entry["failed_units"]])
        told = (entry["name"], entry["role"], entry["architecture"], entry["address"], entry["loopback"], shown)
        nodes.add_row(*told, _in_cluster(entry["kubernetes"], facts["cluster"]))
    open_ports = Table("answers", "node", "open", title="Addresses")
    for entry in facts["forwards"]:
        open_ports.add_row(entry["name"], entry["node"], f"{entry['listen_address']}:{entry['listen_port']}")
    return [nodes, open_ports]


def _in_cluster(member: dict[str, str] | None, cluster_state: str) -> str:
    if member:
        return f"{member['version']} {member['state']}"
    return "no answer" if cluster_state == SILENT else "-"
