"""What can run out, as Prometheus is asked for it: how much is used, and of how much.

All of it is recorded by the rules of the role ``prometheus``: of what is asked for over weeks there are few series.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Whose it is; in the order in which it is shown."""

    CLUSTER = "cluster"
    VC = "vc"
    NODE = "node"


class Unit(StrEnum):
    """What it is counted in."""

    CORES = "cores"
    BYTES = "bytes"
    COUNT = "count"


OWNER = {Scope.CLUSTER: "", Scope.VC: "vc", Scope.NODE: "node"}
"""Label that says whose a series is."""


@dataclass(frozen=True)
class Measure:
    """One thing of each owner, or one for each value of a label."""

    scope: Scope
    unit: Unit
    name: Callable[[dict[str, str]], str]
    """What people call it, from the labels of its series."""
    used: str
    """PromQL, with WINDOW for the time over which what goes up and down is averaged."""
    limit: str


def resource_name(exported: str) -> str:
    """``nvidia_com_gpu`` as Kubernetes writes it."""
    return exported.replace("_com_", ".com/", 1)


def quota_name(key: str) -> str:
    """A key of a ResourceQuota as people read it."""
    if found := re.fullmatch(r"(.+)\.storageclass\.storage\.k8s\.io/requests\.storage", key):
        return f"storage of class {found[1]}"
    return {"limits.memory": "memory limits"}.get(key, key.removeprefix("requests."))


def _always(name: str) -> Callable[[dict[str, str]], str]:
    return lambda _: name


def _resource(labels: dict[str, str]) -> str:
    return resource_name(labels["resource"])


def _quota(unit: Unit, keys: str) -> Measure:
    # Of a kind that a VC has nothing of, nothing can run out.
    used, limit = f'vc:quota_used{{resource=~"{keys}"}}', f'vc:quota_hard{{resource=~"{keys}"}} > 0'
    return Measure(Scope.VC, unit, lambda labels: quota_name(labels["resource"]), used, limit)


# Each part of the shared file system is the same on every host that mounts it.
_SHARED = "/srv-shared-"
_OWN_FILES = f'{{mountpoint!~"{_SHARED}.+"}}'
_SHARED_FILES = f'{{mountpoint=~"{_SHARED}.+"}}'

MEASURES = (
    Measure(
        Scope.CLUSTER,
        Unit.CORES,
        _always("cpu"),
        "sum(avg_over_time(node:cpu_utilization:ratio[WINDOW]) * node:cpu_count)",
        "sum(node:cpu_count)",
    ),
    Measure(
        Scope.CLUSTER,
        Unit.CORES,
        _always("cpu requested"),
        "cluster:cpu_requested:cores",
        "cluster:cpu_allocatable:cores",
    ),
    Measure(
        Scope.CLUSTER,
        Unit.BYTES,
        _always("memory"),
        "sum(avg_over_time(node:memory_used:bytes[WINDOW]))",
        "sum(node:memory_total:bytes)",
    ),
    Measure(
        Scope.CLUSTER,
        Unit.BYTES,
        _always("memory requested"),
        "cluster:memory_requested:bytes",
        "cluster:memory_allocatable:bytes",
    ),
    Measure(
        Scope.CLUSTER,
        Unit.COUNT,
        _resource,
        "cluster:chips_requested or cluster:chips_allocatable * 0",
        "cluster:chips_allocatable > 0",
    ),
    # Ceph takes no writes when its fullest disk is 95 % full.
    Measure(
        Scope.CLUSTER,
        Unit.BYTES,
        _always("storage"),
        "avg_over_time(cluster:storage_used:bytes[WINDOW])",
        "cluster:storage_total:bytes * 0.95",
    ),
    Measure(
        Scope.CLUSTER,
        Unit.BYTES,
        lambda labels: f"shared files of {labels['mountpoint'].removeprefix(_SHARED)}",
        f"max by (mountpoint) (avg_over_time(node:filesystem_used:bytes{_SHARED_FILES}[WINDOW]))",
        f"max by (mountpoint) (node:filesystem_size:bytes{_SHARED_FILES})",
    ),
    _quota(Unit.CORES, "requests.cpu"),
    _quota(Unit.BYTES, "(requests|limits).memory|(.+/)?requests.storage"),
    _quota(Unit.COUNT, "pods|requests.(nvidia|huawei).com/.+"),
    Measure(
        Scope.VC,
        Unit.BYTES,
        _always("datasets"),
        "avg_over_time(vc:datasets_used:bytes[WINDOW])",
        "vc:datasets_quota:bytes > 0",
    ),
    Measure(
        Scope.NODE,
        Unit.CORES,
        _always("cpu"),
        "avg_over_time(node:cpu_utilization:ratio[WINDOW]) * node:cpu_count",
        "node:cpu_count",
    ),
    Measure(
        Scope.NODE,
        Unit.BYTES,
        _always("memory"),
        "avg_over_time(node:memory_used:bytes[WINDOW])",
        "node:memory_total:bytes",
    ),
    Measure(
        Scope.NODE,
        Unit.COUNT,
        _resource,
        "node:chips_requested or node:chips_allocatable * 0",
        "node:chips_allocatable > 0",
    ),
    # Like df(1): what is reserved for root is nobody's.
    Measure(
        Scope.NODE,
        Unit.BYTES,
        lambda labels: f"files in {labels['mountpoint']}",
        f"avg_over_time(node:filesystem_used:bytes{_OWN_FILES}[WINDOW])",
        f"node:filesystem_used:bytes{_OWN_FILES} + node:filesystem_free:bytes{_OWN_FILES}",
    ),
)
