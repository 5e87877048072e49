"""What Prometheus says of hosts, VCs, chips and alerts at one moment."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from amalgam.monitoring.prometheus import Prometheus, Sample


class View(StrEnum):
    """One of the tables."""

    NODES = "nodes"
    VCS = "vcs"
    CHIPS = "chips"


@dataclass(frozen=True)
class Node:
    """A host. What nobody measures there is None."""

    name: str
    state: str
    """``ready``, ``cordoned``, ``not ready``, ``down``; ``up`` where it is no node of the cluster."""
    cpu: float | None
    """Share that is busy."""
    memory_used: float | None
    memory_total: float | None
    disk: float | None
    """Share of the time in which the busiest disk had work."""
    files: float | None
    """Share of the fullest file system."""
    receive: float | None
    transmit: float | None
    """Bytes a second, all cards together."""
    chips: int
    chips_held: int
    """By pods."""
    chips_utilization: float | None
    """Mean of all."""


@dataclass(frozen=True)
class Amount:
    """What a VC has asked for, and may ask for."""

    requested: float
    quota: float


@dataclass(frozen=True)
class Vc:
    """A virtual cluster. ``None`` for kinds of which its quota has nothing."""

    name: str
    cpu_used: float
    cpu: Amount | None
    memory_used: float
    memory: Amount | None
    chips: dict[str, Amount]
    """By resource."""
    pods: dict[str, int]
    """By phase."""


@dataclass(frozen=True)
class Chip:
    """One chip of a host. What its tools do not say is None."""

    node: str
    vendor: str
    chip: str
    utilization: float | None
    memory_used: float | None
    memory_total: float | None
    temperature: float | None
    power: float | None
    healthy: bool | None
    namespace: str
    pod: str
    """That holds it; empty where none does."""


@dataclass(frozen=True)
class Snapshot:
    """All that was asked for."""

    at: float
    alerts: dict[str, int]
    """Severity → how many fire."""
    nodes: tuple[Node, ...] = ()
    vcs: tuple[Vc, ...] = ()
    chips: tuple[Chip, ...] = ()

    def facts(self, views: Iterable[View]) -> dict[str, Any]:
        """Plain data of these views, for machines."""
        everything = asdict(self)
        return {key: everything[key] for key in ("at", "alerts", *(view.value for view in views))}


_NODE_SERIES = (
    "node:cpu_utilization:ratio",
    "node:memory_used:bytes",
    "node:memory_total:bytes",
    "node:disk_io:ratio",
    "node:filesystem_used:ratio",
    "node:network_receive:bytes_rate",
    "node:network_transmit:bytes_rate",
)
_CHIP_SERIES = (
    "accelerator_utilization:ratio",
    "accelerator_memory_used:bytes",
    "accelerator_memory_total:bytes",
    "accelerator_temperature:celsius",
    "accelerator_power:watts",
    "accelerator_healthy",
)
_VC_SERIES = ("vc:cpu_usage:cores", "vc:memory_usage:bytes", "vc:pods")

_Values = dict[str, list[Sample]]
"""Name of a series → what it has."""


def take(prometheus: Prometheus, views: Iterable[View], *, now: float) -> Snapshot:
    """Ask for what the views show.

    Raises:
        AmalgamError: Prometheus does not answer, or has measured nothing yet.
    """
    wanted = set(views)
    # The watchdog always fires.
    firing = prometheus.query('count by (severity) (ALERTS{alertstate="firing",alertname!="Watchdog"})')
    chips = _chips(_named(prometheus, _CHIP_SERIES)) if wanted & {View.NODES, View.CHIPS} else ()
    return Snapshot(
        at=now,
        alerts={one.labels.get("severity", ""): int(one.value) for one in firing},
        nodes=_nodes(prometheus, chips) if View.NODES in wanted else (),
        vcs=_vcs(prometheus) if View.VCS in wanted else (),
        chips=chips if View.CHIPS in wanted else (),
    )


def _named(prometheus: Prometheus, names: Iterable[str]) -> _Values:
    """Several series by one question, so that they are of one moment."""
    found: _Values = defaultdict(list)
    for sample in prometheus.query(f'{{__name__=~"{"|".join(names)}"}}'):
        if math.isfinite(sample.value):
            found[sample.labels["__name__"]].append(sample)
    return found


def _by(samples: Iterable[Sample], label: str, combine: Callable[[list[float]], float] = max) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        values[sample.labels.get(label, "")].append(sample.value)
    return {name: combine(listed) for name, listed in values.items()}


def _nodes(prometheus: Prometheus, chips: tuple[Chip, ...]) -> tuple[Node, ...]:
    names = prometheus.nodes()
    series = _named(prometheus, _NODE_SERIES)
    states = _states(prometheus)
    offered = _by(
        prometheus.query('kube_node_status_capacity{resource=~"nvidia_com_gpu|huawei_com_Ascend.+"}'), "node", sum
    )
    measured = {name: _by(series[name], "node", sum if "network" in name else max) for name in _NODE_SERIES}

    def node(name: str) -> Node:
        own = [chip for chip in chips if chip.node == name]
        busy = [chip.utilization for chip in own if chip.utilization is not None]
        cpu, used, total, disk, files, receive, transmit = (measured[one].get(name) for one in _NODE_SERIES)
        return Node(
            name=name,
            state=states.get(name, "down"),
            cpu=cpu,
            memory_used=used,
            memory_total=total,
            disk=disk,
            files=files,
            receive=receive,
            transmit=transmit,
            # Those that the vendor's tools do not show are offered still, or the other way round.
            chips=max(len(own), int(offered.get(name, 0))),
            chips_held=sum(bool(chip.pod) for chip in own),
            chips_utilization=sum(busy) / len(busy) if busy else None,
        )

    return tuple(map(node, names))


def _states(prometheus: Prometheus) -> dict[str, str]:
    """Node → how it is: first whether anything on it answers, then what the cluster says of it."""
    answers = _by(prometheus.query('up{node!=""}'), "node")
    ready = _by(prometheus.query('kube_node_status_condition{condition="Ready",status="true"}'), "node")
    cordoned = _by(prometheus.query("kube_node_spec_unschedulable"), "node")

    def state(name: str) -> str:
        if not answers[name]:
            return "down"
        if name not in ready:
            return "up"
        if not ready[name]:
            return "not ready"
        return "cordoned" if cordoned.get(name) else "ready"

    return {name: state(name) for name in answers}


def _vcs(prometheus: Prometheus) -> tuple[Vc, ...]:
    series = _named(prometheus, _VC_SERIES)
    quotas: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for sample in prometheus.query('kube_resourcequota{resourcequota="vc"}'):
        labels = sample.labels
        quotas[labels["namespace"]][labels["resource"]][labels["type"]] = sample.value
    cpu, memory = (_by(series[name], "vc") for name in _VC_SERIES[:2])
    pods: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in series["vc:pods"]:
        pods[sample.labels["vc"]][sample.labels["phase"]] += int(sample.value)

    def vc(name: str) -> Vc:
        amounts = {
            key: Amount(sides.get("used", 0.0), sides["hard"])
            for key, sides in quotas[name].items()
            if sides.get("hard")
        }
        chips = {
            key.removeprefix("requests."): amount
            for key, amount in amounts.items()
            if key.startswith(("requests.nvidia.com/", "requests.huawei.com/"))
        }
        return Vc(
            name=name,
            cpu_used=cpu.get(name, 0.0),
            cpu=amounts.get("requests.cpu"),
            memory_used=memory.get(name, 0.0),
            memory=amounts.get("requests.memory"),
            chips=dict(sorted(chips.items())),
            pods={phase: count for phase, count in sorted(pods[name].items()) if count},
        )

    return tuple(vc(name) for name in sorted({*quotas, *cpu, *memory, *pods}))


def _chips(series: _Values) -> tuple[Chip, ...]:
    readings: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    holders: dict[tuple[str, str, str], tuple[str, str]] = {}
    for name, samples in series.items():
        for sample in samples:
            labels = sample.labels
            key = labels["node"], labels["vendor"], labels["chip"]
            readings[key][name] = sample.value
            holders[key] = labels.get("namespace", ""), labels.get("pod", "")

    def chip(key: tuple[str, str, str]) -> Chip:
        utilization, used, total, temperature, power, healthy = (readings[key].get(name) for name in _CHIP_SERIES)
        return Chip(
            *key,
            utilization=utilization,
            memory_used=used,
            memory_total=total,
            temperature=temperature,
            power=power,
            healthy=None if healthy is None else healthy > 0,
            namespace=holders[key][0],
            pod=holders[key][1],
        )

    return tuple(chip(key) for key in sorted(readings, key=lambda key: (key[0], key[1], len(key[2]), key[2])))
