"""What may not happen between what the cluster has and what the file wants."""

from __future__ import annotations

from typing import Any

import pytest

from amalgam.errors import AmalgamError
from amalgam.tenants.changes import check_changes, check_deletion
from amalgam.tenants.live import LiveVc
from amalgam.tenants.resources import total
from tests.unit.tenants.sites import GPU, site, vc


def _live(name: str, hard: int, used: int = 0, **more: Any) -> dict[str, LiveVc]:
    return {name: LiveVc(name, "institute/research", total([{GPU: hard}]), total([{GPU: used}]), **more)}


def _refused(wanted: Any, live: dict[str, LiveVc], delete: tuple[str, ...] = ()) -> list[str]:
    try:
        check_changes(wanted, live, delete)
    except AmalgamError as error:
        return error.what.splitlines()
    return []


def test_the_first_time_nothing_is_in_the_way() -> None:
    assert _refused(site(vc("vision", 8)), {}) == []


def test_a_quota_below_what_is_used_is_refused_with_the_numbers() -> None:
    (told,) = _refused(site(vc("vision", 3)), _live("vision", 8, used=5))
    assert told == "vision uses 5 of nvidia.com/gpu, and would have 3: free 2 first, or grant more"


def test_a_loan_of_what_the_lender_uses_is_refused() -> None:
    loans = [{"lender": "vision", "borrower": "nlp", "quota": {GPU: 4}}]
    wanted = site(vc("vision", 8), vc("nlp", 8), borrowing=True, loans=loans)
    (told,) = _refused(wanted, _live("vision", 8, used=5) | _live("nlp", 8))
    assert told.startswith("vision uses 5 of nvidia.com/gpu, and would have 4")


def test_what_was_over_before_does_not_stand_in_the_way_of_other_changes() -> None:
    assert _refused(site(vc("vision", 3)), _live("vision", 3, used=5)) == []


def test_an_empty_vc_is_deleted_without_a_word() -> None:
    assert _refused(site(), _live("nlp", 8)) == []


@pytest.mark.parametrize(
    ("claims", "held", "told"),
    [
        (("data",), {}, "claim data"),
        ((), {"subvolumes": ("nlp",)}, "part of the file system nlp"),
        ((), {"datasets": ("nlp",)}, "datasets of nlp"),
    ],
)
def test_a_vc_that_holds_data_is_deleted_with_the_explicit_word_only(
    claims: tuple[str, ...], held: dict[str, Any], told: str
) -> None:
    wanted, live = site(**held), _live("nlp", 8, claims=claims)
    (refused,) = _refused(wanted, live)
    assert f"holds data ({told})" in refused
    assert "pulumi config set delete nlp" in refused
    assert len(_refused(wanted, live, ("vision",))) == 1
    assert _refused(wanted, live, ("nlp",)) == []


def test_the_word_for_a_declared_vc_is_refused() -> None:
    (told,) = _refused(site(vc("nlp", 8)), _live("nlp", 8), ("nlp",))
    assert told == "nlp is declared, and the stack's setting `delete` names it: remove it there"


def test_what_a_vc_that_goes_still_has_cannot_be_granted_in_the_same_update() -> None:
    (told,) = _refused(site(vc("vision", 12)), _live("vision", 8) | _live("nlp", 8))
    assert told.startswith("institute/research grants 20 of nvidia.com/gpu (vision 12, nlp 8), and has 16: 4 too much")
    assert _refused(site(vc("vision", 8)), _live("vision", 8) | _live("nlp", 8)) == []


def test_the_last_look_before_a_deletion_finds_data_that_came_in_between() -> None:
    wanted, live = site(vc("nlp", 8)), _live("nlp", 8, claims=("late",))
    check_deletion(wanted, _live("nlp", 8), "nlp", ())
    check_deletion(wanted, live, "nlp", ("nlp",))
    with pytest.raises(AmalgamError, match=r"it holds data \(claim late\)"):
        check_deletion(wanted, live, "nlp", ())
