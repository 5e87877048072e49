"""The order in which quotas are written: those that shrink before those that grow (ADR 14).

A VC that grows in one kind and shrinks in another is one of those that grow, and so is one that moves: the group that
it comes to has it on top. Between two of these there is no order: one may be written before the other gives back what
it has too much. Where that is more than there is, it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from amalgam.tenants.live import LiveVc
from amalgam.tenants.quotas import Account
from amalgam.tenants.resources import KINDS, Kind, quantity
from amalgam.tenants.vcs import Tenancy


def growing(wanted: Tenancy, live: Mapping[str, LiveVc]) -> bool:
    """Whether a VC gets more than it has, of any kind, or another place: then the others go first."""
    return _moves(wanted, live) or any(wanted.effective[kind] > _now(wanted.name, live, kind) for kind in KINDS)


def swaps(places: Collection[Account], wanted: Collection[Tenancy], live: Mapping[str, LiveVc]) -> Iterator[str]:
    """What would be more than there is for a while, whatever the order is that is chosen, with the numbers.

    Args:
        places: how every part of the site's organisations stands, as it is wanted.
        wanted: every VC as it is wanted.
        live: what the cluster has.
    """
    names = {one.name for one in wanted}
    late = {one.name: one for one in wanted if growing(one, live)}
    for group in places:
        # What is deleted at the end is until then as large as it is.
        stays = [vc.name for name, vc in live.items() if name not in names and _is_in(group, vc.path)]
        below = [one for one in wanted if _is_in(group, one.path)]
        was_below = [one.name for one in wanted if one.name in live and _is_in(group, live[one.name].path)]
        for kind in KINDS:
            after = {one.name: one.effective[kind] for one in below}
            before = {name: _now(name, live, kind) for name in was_below}
            give = {name: before[name] - after.get(name, 0) for name in late if name in before}
            give = {name: amount for name, amount in give.items() if amount > 0}
            kept = sum(_now(name, live, kind) for name in stays)
            most = kept + sum(after.values()) + sum(give.values())
            has = max(group.effective[kind], kept + sum(before.values()))
            if give and most > has:
                less = ", ".join(_told(late[name], live, kind, amount) for name, amount in give.items())
                yield (
                    f"{group.path} would for a while grant {quantity(kind, most)} of {kind}, and has "
                    f"{quantity(kind, has)}: {less}; do it in two updates, first what shrinks"
                )


def _told(one: Tenancy, live: Mapping[str, LiveVc], kind: Kind, amount: int) -> str:
    also = f"moves to {one.path}" if _moves(one, live) else "grows in another kind"
    return f"{one.name} gives {quantity(kind, amount)} back and {also}"


def _moves(wanted: Tenancy, live: Mapping[str, LiveVc]) -> bool:
    return wanted.name in live and live[wanted.name].path != wanted.path


def _is_in(group: Account, path: str) -> bool:
    return f"{path}/".startswith(f"{group.path}/")


def _now(name: str, live: Mapping[str, LiveVc], kind: Kind) -> int:
    return live[name].hard.get(kind, 0) if name in live else 0
