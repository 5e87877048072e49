"""The order in which quotas are written: those that shrink before those that grow (ADR 14).

A VC that grows in one kind and shrinks in another is one of those that grow. Between two of these there is no order:
one may be written before the other gives back what it has too much. Where that is more than there is, it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from amalgam.tenants.live import LiveVc
from amalgam.tenants.quotas import Account
from amalgam.tenants.resources import KINDS, Kind, quantity
from amalgam.tenants.vcs import Tenancy


def growing(wanted: Tenancy, live: Mapping[str, LiveVc]) -> bool:
    """Whether a VC gets more than it has, of any kind: then those that get no more of any go first."""
    return any(wanted.effective[kind] > _now(wanted.name, live, kind) for kind in KINDS)


def swaps(places: Collection[Account], wanted: Collection[Tenancy], live: Mapping[str, LiveVc]) -> Iterator[str]:
    """What would be more than there is for a while, whatever the order is that is chosen, with the numbers.

    Args:
        places: how every part of the site's organisations stands, as it is wanted.
        wanted: every VC as it is wanted.
        live: what the cluster has.
    """
    leaving = [vc for name, vc in live.items() if name not in {one.name for one in wanted}]
    for group in places:
        below = [one for one in wanted if _is_in(group, one.path)]
        # Deleted at the end, and until then as large as it is.
        stays = [vc.name for vc in leaving if _is_in(group, vc.path)]
        late = [one for one in below if growing(one, live)]
        for kind in KINDS:
            give = {one.name: _now(one.name, live, kind) - one.effective[kind] for one in late}
            give = {name: amount for name, amount in give.items() if amount > 0}
            before = sum(_now(name, live, kind) for name in (*stays, *(one.name for one in below)))
            after = sum(_now(name, live, kind) for name in stays) + sum(one.effective[kind] for one in below)
            most, has = after + sum(give.values()), max(group.effective[kind], before)
            if give and most > has:
                less = ", ".join(f"{name} gives {quantity(kind, amount)} back" for name, amount in give.items())
                yield (
                    f"{group.path} would for a while grant {quantity(kind, most)} of {kind}, and has "
                    f"{quantity(kind, has)}: {less} and grows in another kind; do it in two updates, first what shrinks"
                )


def _is_in(group: Account, path: str) -> bool:
    return f"{path}/".startswith(f"{group.path}/")


def _now(name: str, live: Mapping[str, LiveVc], kind: Kind) -> int:
    return live[name].hard.get(kind, 0) if name in live else 0
