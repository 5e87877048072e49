"""What may not happen between the VCs that the cluster has and those that the site's file wants (ADR 14)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from amalgam.errors import AmalgamError
from amalgam.models import Site
from amalgam.tenants.live import LiveVc
from amalgam.tenants.order import swaps
from amalgam.tenants.quotas import Node, accounts, excesses
from amalgam.tenants.resources import KINDS, quantity
from amalgam.tenants.vcs import Tenancy, tenancies


def check_changes(site: Site, live: Mapping[str, LiveVc], delete: Collection[str]) -> None:
    """Refuse what would lose data or over-commit somebody, be it for a while.

    Args:
        site: what is wanted.
        live: what the cluster has.
        delete: names of the VCs that may be deleted with their data.

    Raises:
        AmalgamError: says all that is refused, with the numbers, and what to do about each.
    """
    wanted = tenancies(site.tenants)
    leaving = [live[name] for name in sorted(live.keys() - {one.name for one in wanted})]
    places = [place for one in site.tenants.organisations for place in accounts(one.node())]
    problems = [
        *_words_that_lie_around(wanted, delete),
        *_data(site, leaving, delete),
        *_below_use(wanted, live),
        *_too_early(site, leaving),
        *swaps(places, wanted, live),
    ]
    if problems:
        raise AmalgamError(
            "\n".join(problems), where=f"tenants of {site.settings.site_name}", remedy="as each line says"
        )


def check_deletion(site: Site, live: Mapping[str, LiveVc], name: str, delete: Collection[str]) -> None:
    """Refuse to delete a VC that holds data without the explicit word: the last look, when it is about to be done.

    Raises:
        AmalgamError: says what it holds.
    """
    held = _held(site, live[name]) if name in live else []
    if held and name not in delete:
        remedy = f"take it out of tenants.yml, and say the word: `pulumi config set delete {name}`; then `pulumi up`"
        raise AmalgamError(f"it holds data ({', '.join(held)})", where=name, remedy=remedy)


def _words_that_lie_around(wanted: Collection[Tenancy], delete: Collection[str]) -> Iterator[str]:
    for name in sorted({one.name for one in wanted} & set(delete)):
        yield f"{name} is declared, and the stack's setting `delete` names it: remove it there"


def _data(site: Site, leaving: Collection[LiveVc], delete: Collection[str]) -> Iterator[str]:
    for vc in leaving:
        held = _held(site, vc)
        if held and vc.name not in delete:
            yield (
                f"{vc.name} is to be deleted and holds data ({', '.join(held)}): declare it again, or say the word in "
                f"pulumi/tenants: `pulumi config set delete {vc.name}`"
            )


def _held(site: Site, vc: LiveVc) -> list[str]:
    held = [f"claim {name}" for name in vc.claims]
    held += [f"part of the file system {part.name}" for part in site.subvolumes if part.name == vc.name]
    return held + [f"datasets of {entry.vc}" for entry in site.datasets if entry.vc == vc.name]


def _below_use(wanted: Collection[Tenancy], live: Mapping[str, LiveVc]) -> Iterator[str]:
    for one in (one for one in wanted if one.name in live):
        now = live[one.name]
        for kind in KINDS:
            new, used = one.effective[kind], now.used[kind]
            if new < used and new < now.hard[kind]:
                least, most = quantity(kind, new), quantity(kind, used)
                free = quantity(kind, used - new)
                yield f"{one.name} uses {most} of {kind}, and would have {least}: free {free} first, or grant more"


def _too_early(site: Site, leaving: Collection[LiveVc]) -> Iterator[str]:
    """A VC is deleted at the end of an update: until then what it has is not free."""
    for organisation in site.tenants.organisations:
        root = organisation.node()
        there = [vc for vc in leaving if vc.path.split("/")[0] == root.name]
        for vc in there:
            root = _with(root, vc.path.split("/")[1:], Node(vc.name, vc.hard))
        for excess in excesses(root) if there else ():
            yield f"{excess}; delete {', '.join(vc.name for vc in there)} first, and grow the others in a second update"


def _with(node: Node, path: list[str], leaving: Node) -> Node:
    """``node`` with one more child, in the group that ``path`` leads to as far as there is one."""
    for index, child in enumerate(node.children):
        if path and child.name == path[0]:
            inner = _with(child, path[1:], leaving)
            return replace(node, children=(*node.children[:index], inner, *node.children[index + 1 :]))
    return replace(node, children=(*node.children, leaving))
