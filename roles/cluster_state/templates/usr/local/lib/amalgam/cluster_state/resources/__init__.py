"""Kinds of objects and their series: names and labels are those of kube-state-metrics."""

from __future__ import annotations

from cluster_state.resources import namespaces, nodes, pods, volumes, workloads

RESOURCES = (
    nodes.NODES,
    namespaces.NAMESPACES,
    namespaces.QUOTAS,
    pods.PODS,
    workloads.JOBS,
    workloads.DAEMON_SETS,
    workloads.POD_GROUPS,
    volumes.CLAIMS,
)
