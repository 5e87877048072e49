"""Amounts of resources as whole numbers, so that sums are exact: what Kubernetes calls quantities.

Source: Kubernetes, "Quantity" (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Literal, get_args

Kind = Literal["cpu", "memory", "nvidia.com/gpu", "huawei.com/Ascend910", "storage", "pods"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BYTES: tuple[Kind, ...] = ("memory", "storage")

Amounts = Mapping[Kind, int]
"""Kind → amount: thousandths of a CPU, bytes of memory and storage, the number of all others."""

LARGEST = 2**63 - 1
"""The API server keeps no larger one."""

_QUANTITY = re.compile(r"(?P<number>\d+(\.\d*)?|\.\d+)(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,2})?")
_SUFFIXES = {
    **{f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", start=1)},
    **{
        letter: Fraction(1000) ** power
        for power, letter in zip(range(-3, 7), ["n", "u", "m", "", *"kMGTPE"], strict=True)
    },
}
_BINARY = [(suffix, int(factor)) for suffix, factor in reversed(_SUFFIXES.items()) if suffix.endswith("i")]


def parse(kind: Kind, text: str | int) -> int:
    """The amount that a quantity like ``1500m``, ``0.5`` or ``16Gi`` means.

    Raises:
        ValueError: it is no quantity, is negative, too large, or no whole number of what ``kind`` is counted in.
    """
    amount = _amount(kind, text)
    if amount.denominator != 1:
        raise ValueError(f"{text!r} is no whole number of {_unit(kind)}")
    return int(amount)


def rounded_up(kind: Kind, text: str | int) -> int:
    """The amount in a quantity of the API server, which may be a sum with fractions: then the next larger one.

    Raises:
        ValueError: it is no quantity, is negative or too large.
    """
    return math.ceil(_amount(kind, text))


def _amount(kind: Kind, text: str | int) -> Fraction:
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is no quantity")
    suffix = found["suffix"] or ""
    factor = _SUFFIXES.get(suffix) or Fraction(10) ** int(suffix[1:])
    value = Fraction(f"0{found['number']}".rstrip(".")) * factor
    if value > LARGEST:
        raise ValueError(f"{text!r} is more than the API server can count")
    return value * 1000 if kind == "cpu" else value


def quantity(kind: Kind, amount: int) -> str:
    """An amount as Kubernetes writes it: ``1500m``, ``16Gi``, ``8``."""
    if kind == "cpu":
        return f"{amount}m" if amount % 1000 else str(amount // 1000)
    if kind in BYTES and amount:
        return next((f"{amount // factor}{suffix}" for suffix, factor in _BINARY if amount % factor == 0), str(amount))
    return str(amount)


def quantities(amounts: Amounts) -> dict[Kind, str]:
    """Each amount as Kubernetes writes it."""
    return {kind: quantity(kind, amount) for kind, amount in amounts.items()}


def total(parts: Iterable[Amounts]) -> dict[Kind, int]:
    """The sum of all, with every kind in it."""
    listed = list(parts)
    return {kind: sum(part.get(kind, 0) for part in listed) for kind in KINDS}


def _unit(kind: Kind) -> str:
    return "thousandths of a CPU" if kind == "cpu" else "bytes" if kind in BYTES else kind
