"""Amounts as Kubernetes writes them.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from cluster_state.families import Sample, plain

_QUANTITY = re.compile(r"([+-]?[0-9.]+)(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_DECIMAL = {suffix: Decimal(1000) ** power for power, suffix in enumerate("num kMGTPE", start=-3)}
_BINARY = {f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)}
_FACTORS = {**_DECIMAL, **_BINARY, "": Decimal(1)}

_UNITS = {"cpu": "core", "memory": "byte", "storage": "byte", "ephemeral-storage": "byte", "pods": "integer"}


def number(quantity: str) -> float:
    """The amount.

    Raises:
        ValueError: it is none.
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no quantity")
    digits, exponent, suffix = match.groups()
    return float(Decimal(digits) * (Decimal(10) ** int(exponent) if exponent else _FACTORS[suffix or ""]))


def samples(amounts: Mapping[str, str] | None, labels: Mapping[str, str] | None = None) -> Iterable[Sample]:
    """Amounts of resources with their units; of resources that kube-state-metrics knows no unit of, none."""
    for resource, amount in (amounts or {}).items():
        if unit := _unit(resource):
            yield {**(labels or {}), "resource": plain(resource), "unit": unit}, number(amount)


def _unit(resource: str) -> str:
    if resource.startswith(("hugepages-", "attachable-volumes-")):
        return "byte"
    if "/" in resource and "kubernetes.io/" not in resource:
        return "integer"
    return _UNITS.get(resource, "")
