"""Which of a host's free chips a job gets. Stands alone: the lab's simulated plugin takes it to its node."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def preferred(
    free: Collection[int], size: int, *, rings: Sequence[Sequence[int]] = (), required: Collection[int] = ()
) -> list[int]:
    """The ``size`` best of the ``free`` chips, in their order; the ``required`` are among them.

    Chips of one ring exchange data without the host's help, so a job gets all of them from one where it fits, and that
    ring whose rest is of most use to others: none or two left is better than one or three. This is the order of
    MindCluster's scheduler (one chip: from rings with 1, 3, 2, 4 free ones; two: with 2, 4, 3), as its document "NPU
    Affinity Scheduling Algorithm Design" has it (https://github.com/Ascend/ascend-for-volcano). The rest is a choice of
    our own: beyond a ring, whole rings come first, and where nothing fits, which that scheduler refuses and the kubelet
    cannot, the fullest rings are emptied first.

    Args:
        free: indices of chips that may be given.
        size: how many are wanted.
        rings: indices by ring; chips in none of them are as good as each other.
        required: chips that must be among them, as the kubelet may say.

    Returns:
        Fewer than ``size`` where there are not so many.
    """
    chosen = [chip for chip in sorted(free) if chip in required]
    left = {chip for chip in free if chip not in required}
    groups = [{chip for chip in ring if chip in left} for ring in rings]
    in_none = left.difference(*groups)
    while groups and len(chosen) < size:
        group = min(groups, key=lambda group: _rank(group, size - len(chosen), rings, chosen))
        groups.remove(group)
        chosen += sorted(group)[: size - len(chosen)]
    chosen += sorted(in_none)[: max(0, size - len(chosen))]
    return sorted(chosen)


def _rank(group: set[int], wanted: int, rings: Sequence[Sequence[int]], chosen: Sequence[int]) -> tuple[int, ...]:
    """The lower, the better is it to take from this group of free chips of one ring next."""
    rest = len(group) - wanted
    first = min(group, default=0)
    if rest < 0:
        return (1, -len(group), first)
    ring = next(ring for ring in rings if set(ring) >= group)
    apart = sum(1 for chip in chosen if chip not in ring)
    return (0, apart, rest % 2, rest, first)
