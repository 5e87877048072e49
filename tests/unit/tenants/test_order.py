"""No write of an update over-commits anybody, in whatever order the writes come that may come in any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amalgam.errors import AmalgamError
from amalgam.tenants.changes import check_changes
from amalgam.tenants.live import LiveVc
from amalgam.tenants.order import growing
from amalgam.tenants.quotas import accounts, excesses
from amalgam.tenants.resources import Kind, total
from amalgam.tenants.vcs import Tenancy, tenancies
from tests.unit.tenants.sites import GPU, organisation

NPU = "huawei.com/Ascend910"
KINDS: tuple[Kind, ...] = (GPU, NPU)
GROUPS, VCS = ("one", "two"), ("a", "b", "c", "d")
EXAMPLES = 150
_AMOUNTS = st.fixed_dictionaries({kind: st.integers(0, 4) for kind in KINDS})
# Where there is room for what comes before what goes, most changes are taken; where there is little, the order matters.
_LEFT = st.one_of(*(st.fixed_dictionaries({kind: st.integers(0, most) for kind in KINDS}) for most in (2, 12)))
# In another group of another site that is drawn, the VC moves.
_VC = st.fixed_dictionaries({"group": st.sampled_from(GROUPS), "quota": _AMOUNTS})


def _loans(names: tuple[str, ...]) -> st.SearchStrategy[list[tuple[str, str, dict[Kind, int]]]]:
    return st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names), _AMOUNTS), max_size=3)


_SITE = st.fixed_dictionaries(
    {
        "left": st.fixed_dictionaries(dict.fromkeys(("institute", *GROUPS), _LEFT)),
        # One comes and goes.
        "vcs": st.fixed_dictionaries(dict.fromkeys(VCS[:-1], _VC), optional={VCS[-1]: _VC}),
        "loans of groups": _loans(GROUPS),
        "loans of VCs": _loans(VCS),
    }
)


def _site(drawn: Mapping[str, Any]) -> Any:
    """An organisation of two groups with three or four VCs; all have what they grant, and some more, and lend some."""
    groups = []
    for group in GROUPS:
        vcs = [{"name": name, "quota": one["quota"]} for name, one in drawn["vcs"].items() if one["group"] == group]
        own = {vc["name"]: vc["quota"] for vc in vcs}
        quota = _sum(drawn["left"][group], vcs)
        groups.append({"name": group, "quota": quota, "vcs": vcs, **_lent(drawn["loans of VCs"], own)})
    # What a group has not granted it can lend.
    own = {group: drawn["left"][group] for group in GROUPS}
    quota = _sum(drawn["left"]["institute"], groups)
    lent = _lent(drawn["loans of groups"], own)
    return organisation({"name": "institute", "quota": quota, "groups": groups, **lent})


def _lent(drawn: list[tuple[str, str, dict[Kind, int]]], own: Mapping[str, Mapping[Kind, int]]) -> dict[str, Any]:
    """The loans between those that ``own`` names, each cut to what its lender has still."""
    left = {name: dict(amounts) for name, amounts in own.items()}
    loans = []
    for lender, borrower, amounts in drawn:
        if lender != borrower and {lender, borrower} <= left.keys():
            quota = {kind: min(amounts[kind], left[lender][kind]) for kind in KINDS}
            left[lender] = {kind: left[lender][kind] - quota[kind] for kind in KINDS}
            loans.append({"lender": lender, "borrower": borrower, "quota": quota})
    return {"borrowing": True, "loans": loans}


def _sum(left: dict[Kind, int], children: list[dict[str, Any]]) -> dict[Kind, int]:
    return {kind: left[kind] + sum(child["quota"][kind] for child in children) for kind in KINDS}


def _live(site: Any) -> dict[str, LiveVc]:
    return {one.name: LiveVc(one.name, one.path, one.effective, total([])) for one in tenancies(site.tenants)}


def _has(site: Any) -> dict[str, dict[Kind, int]]:
    return {account.path: account.effective for one in site.tenants.organisations for account in accounts(one.node())}


def _subsets(of: list[Tenancy]) -> Iterator[tuple[Tenancy, ...]]:
    return chain.from_iterable(combinations(of, size) for size in range(len(of) + 1))


def _moments(live: Mapping[str, LiveVc], wanted: tuple[Tenancy, ...]) -> Iterator[dict[str, tuple[str, Any]]]:
    """What the cluster has between two writes: VC -> its place and quota; those that grow are written last."""
    old = {name: (vc.path, vc.hard) for name, vc in live.items()}
    later = [one for one in wanted if growing(one, live)]
    first = [one for one in wanted if one not in later]
    for written in (*_subsets(first), *((*first, *more) for more in _subsets(later))):
        yield old | {one.name: (one.path, one.effective) for one in written}


def test_no_ancestor_is_over_committed_between_any_two_writes() -> None:
    accepted = 0

    @settings(max_examples=EXAMPLES)
    @given(_SITE, _SITE)
    def holds(before: Any, after: Any) -> None:
        nonlocal accepted
        old, new = _site(before), _site(after)
        excess = [found for site in (old, new) for one in site.tenants.organisations for found in excesses(one.node())]
        assert not excess
        live = _live(old)
        try:
            check_changes(new, live, ())
        except AmalgamError:
            return
        accepted += _live(new) != live
        had, has = _has(old), _has(new)
        for moment in _moments(live, tenancies(new.tenants)):
            for place in ("institute", "institute/one", "institute/two"):
                for kind in KINDS:
                    granted = sum(hard[kind] for path, hard in moment.values() if f"{path}/".startswith(f"{place}/"))
                    assert granted <= max(had[place][kind], has[place][kind])

    holds()
    # Of those that are refused nothing was said.
    assert accepted > EXAMPLES / 10


def _swapping(gpus: tuple[int, int], npus: tuple[int, int], *, has: int = 8) -> Any:
    vcs = [{"name": name, "quota": {GPU: gpus[at], NPU: npus[at]}} for at, name in enumerate(("vision", "nlp"))]
    return organisation({"name": "institute", "quota": {GPU: has, NPU: has}, "vcs": vcs})


def test_two_vcs_that_swap_kinds_do_so_in_two_updates() -> None:
    live = _live(_swapping((6, 2), (2, 6)))
    wanted = _swapping((2, 6), (6, 2))
    with pytest.raises(AmalgamError) as refused:
        check_changes(wanted, live, ())
    assert refused.value.what.splitlines() == [
        "institute would for a while grant 12 of nvidia.com/gpu, and has 8: vision gives 4 back and grows in another "
        "kind; do it in two updates, first what shrinks",
        "institute would for a while grant 12 of huawei.com/Ascend910, and has 8: nlp gives 4 back and grows in "
        "another kind; do it in two updates, first what shrinks",
    ]
    smaller = _swapping((2, 2), (2, 2))
    check_changes(smaller, live, ())
    check_changes(wanted, _live(smaller), ())


def test_a_swap_that_fits_whatever_comes_first_is_one_update() -> None:
    check_changes(_swapping((2, 6), (6, 2), has=12), _live(_swapping((6, 2), (2, 6))), ())


def test_vcs_that_get_more_are_known_and_so_wait_for_the_others() -> None:
    live = _live(_swapping((8, 8), (0, 0)))
    wanted = tenancies(_swapping((10, 6), (0, 0)).tenants)
    assert {one.name: growing(one, live) for one in wanted} == {"vision": True, "nlp": False}


def _grouped(one: dict[str, int], two: dict[str, int], *, has: int) -> Any:
    groups = [
        {"name": name, "quota": {GPU: has}, "vcs": [{"name": vc, "quota": {GPU: gpus}} for vc, gpus in vcs.items()]}
        for name, vcs in (("one", one), ("two", two))
    ]
    return organisation({"name": "institute", "quota": {GPU: 2 * has}, "groups": groups})


def test_a_vc_that_moves_waits_for_those_that_shrink_where_it_goes() -> None:
    live = _live(_grouped({"vision": 4}, {"nlp": 4}, has=4))
    wanted = _grouped({}, {"vision": 4, "nlp": 0}, has=4)
    check_changes(wanted, live, ())
    assert {one.name: growing(one, live) for one in tenancies(wanted.tenants)} == {"vision": True, "nlp": False}


def test_vcs_that_change_places_between_full_groups_do_so_in_two_updates() -> None:
    live = _live(_grouped({"vision": 4}, {"nlp": 3}, has=4))
    with pytest.raises(AmalgamError) as refused:
        check_changes(_grouped({"nlp": 3}, {"vision": 4}, has=4), live, ())
    assert refused.value.what.splitlines() == [
        "institute/one would for a while grant 7 of nvidia.com/gpu, and has 4: vision gives 4 back and moves to "
        "institute/two; do it in two updates, first what shrinks",
        "institute/two would for a while grant 7 of nvidia.com/gpu, and has 4: nlp gives 3 back and moves to "
        "institute/one; do it in two updates, first what shrinks",
    ]
    check_changes(_grouped({"nlp": 3}, {"vision": 4}, has=7), live, ())
