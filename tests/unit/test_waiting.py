"""How the lab's tests wait: what fails is looked at again, and what may never be seen ends the wait."""

from __future__ import annotations

import pytest

from tests.e2e.support.waiting import wait_until


def test_a_look_that_fails_has_seen_nothing_yet() -> None:
    looks = iter([False, True])

    def look() -> str:
        assert next(looks), "the API server is on its way"
        return "seen"

    assert wait_until("it is seen", look, seconds=30) == "seen"


def test_what_was_seen_last_is_told_also_where_the_look_failed() -> None:
    def look() -> bool:
        raise AssertionError("no answer")

    with pytest.raises(AssertionError, match="it is seen: not within 0 s; last seen: no answer"):
        wait_until("it is seen", look, seconds=0)


def test_what_may_never_be_seen_ends_the_wait_at_once() -> None:
    looks: list[int] = []

    def accept(_: object) -> bool:
        assert len(looks) != 1, "half of a gang holds chips"
        return True

    with pytest.raises(AssertionError, match="half of a gang"):
        wait_until("the gang is whole", lambda: looks.append(1), accept, seconds=30)
    assert looks == [1]
