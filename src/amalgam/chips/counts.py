"""How many chips a job may ask for."""

from __future__ import annotations

from amalgam.chips.table import Kind
from amalgam.errors import AmalgamError


def may_ask(kind: Kind, chips: int) -> bool:
    """Whether a job may ask for so many chips: a count that fits on one host, or whole hosts.

    Source: MindCluster's scheduling of the Ascend 910, whose jobs take 1, 2, 4 or 8 chips, or a multiple of 8.
    """
    return chips in kind.counts or (chips > kind.host_chips and chips % kind.host_chips == 0)


def check_count(kind: Kind, chips: int, *, where: str = "") -> None:
    """Refuse a count of chips that no host, and no number of whole hosts, can give.

    Raises:
        AmalgamError: says which counts there are.
    """
    if not may_ask(kind, chips):
        counts = f"{_listed(kind.counts)}, or a multiple of {kind.host_chips}"
        raise AmalgamError(
            f"a job cannot have {chips} of {kind.resource}", where=where, remedy=f"ask for {counts} chips"
        )


def _listed(counts: tuple[int, ...]) -> str:
    whole_range = counts == tuple(range(counts[0], counts[-1] + 1))
    return f"{counts[0]} to {counts[-1]}" if whole_range else ", ".join(map(str, counts))
