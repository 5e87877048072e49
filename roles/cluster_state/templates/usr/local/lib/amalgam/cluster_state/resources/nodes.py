"""Nodes: what they are, how they are, and what they have to give."""

from __future__ import annotations

from collections.abc import Iterable

from cluster_state.api import Object
from cluster_state.families import Family, Resource, Sample, label_samples, status_samples
from cluster_state.quantities import samples

# Label in the series -> field of status.nodeInfo.
_INFO = {
    "kernel_version": "kernelVersion",
    "os_image": "osImage",
    "container_runtime_version": "containerRuntimeVersion",
    "kubelet_version": "kubeletVersion",
    "system_uuid": "systemUUID",
}


def _info(node: Object) -> Iterable[Sample]:
    info = node.get("status", {}).get("nodeInfo", {})
    addresses = node.get("status", {}).get("addresses") or []
    yield (
        {
            **{label: info.get(field, "") for label, field in _INFO.items()},
            "provider_id": node["spec"].get("providerID", ""),
            "pod_cidr": node["spec"].get("podCIDR", ""),
            "internal_ip": next((one["address"] for one in addresses if one["type"] == "InternalIP"), ""),
        },
        1,
    )


def _conditions(node: Object) -> Iterable[Sample]:
    for condition in node.get("status", {}).get("conditions") or []:
        yield from status_samples(condition["status"], {"condition": condition["type"]})


NODES = Resource(
    "/api/v1/nodes",
    lambda node: {"node": node["metadata"]["name"]},
    (
        Family("kube_node_info", "Information about a cluster node.", _info),
        Family(
            "kube_node_labels",
            "Kubernetes labels converted to Prometheus labels.",
            lambda node: label_samples(node["metadata"].get("labels", {})),
        ),
        Family(
            "kube_node_spec_unschedulable",
            "Whether a node can schedule new pods.",
            lambda node: [({}, node["spec"].get("unschedulable", False))],
        ),
        Family("kube_node_status_condition", "The condition of a cluster node.", _conditions),
        Family(
            "kube_node_status_capacity",
            "The capacity for different resources of a node.",
            lambda node: samples(node.get("status", {}).get("capacity")),
        ),
        Family(
            "kube_node_status_allocatable",
            "The allocatable for different resources of a node that are available for scheduling.",
            lambda node: samples(node.get("status", {}).get("allocatable")),
        ),
    ),
)
