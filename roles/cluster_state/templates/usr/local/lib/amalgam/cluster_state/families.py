"""Families of series, and the text that Prometheus reads.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cluster_state.api import Object

Sample = tuple[Mapping[str, str], float]
"""Labels, beside those that say which object it is, and the value."""

_STATUSES = ("true", "false", "unknown")
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True)
class Family:
    """Series of one name, and how they follow from an object."""

    name: str
    text: str
    """What it says, for a person."""
    samples: Callable[[Object], Iterable[Sample]]
    kind: str = "gauge"

    def header(self) -> str:
        """The lines above its series."""
        return f"# HELP {self.name} {self.text}\n# TYPE {self.name} {self.kind}\n"

    def lines(self, item: Object, identity: Mapping[str, str]) -> str:
        """The series of one object."""
        return "".join(line(self.name, {**identity, **labels}, value) for labels, value in self.samples(item))


@dataclass(frozen=True)
class Resource:
    """A kind of object in the API, and what is told of it."""

    path: str
    identity: Callable[[Object], Mapping[str, str]]
    """Labels that every series of an object carries."""
    families: tuple[Family, ...]


def line(name: str, labels: Mapping[str, str], value: float) -> str:
    """One series. A label without a value is left out: for Prometheus it is the same."""
    given = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items() if text)
    written = str(int(value)) if value == int(value) else repr(value)
    return f"{name}{{{given}}} {written}\n" if given else f"{name} {written}\n"


def namespaced(label: str) -> Callable[[Object], dict[str, str]]:
    """The identity of an object in a namespace, whose name is in ``label``."""
    return lambda item: {"namespace": item["metadata"]["namespace"], label: item["metadata"]["name"]}


def label_name(name: str) -> str:
    """A name of a label in Kubernetes as Prometheus may have it, by the rule of kube-state-metrics: in snake case."""
    return "label_" + re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain(name)).lower()


def plain(name: str) -> str:
    """``nvidia.com/gpu`` as ``nvidia_com_gpu``."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def label_samples(labels: Mapping[str, str]) -> Iterable[Sample]:
    """Labels of Kubernetes as those of one series; of two whose names become the same, the first in order."""
    named: dict[str, str] = {}
    for key in sorted(labels):
        named.setdefault(label_name(key), labels[key])
    yield named, 1


def status_samples(status: str, labels: Mapping[str, str]) -> Iterable[Sample]:
    """One series for each status that a condition can have."""
    for one in _STATUSES:
        yield {**labels, "status": one}, one == status.lower()
