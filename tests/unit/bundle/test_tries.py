"""What asks the network is asked three times."""

from __future__ import annotations

import pytest

from amalgam.bundle import tries
from amalgam.bundle.tries import thrice
from amalgam.errors import AmalgamError


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "_PAUSE_SECONDS", 0.0)


def _failing(times: int, asked: list[int]) -> str:
    asked.append(len(asked) + 1)
    if len(asked) <= times:
        raise AmalgamError(f"failure {len(asked)}")
    return "answer"


def test_an_answer_after_two_failures_counts() -> None:
    asked: list[int] = []
    assert thrice(lambda: _failing(2, asked)) == "answer"
    assert asked == [1, 2, 3]


def test_the_third_failure_is_told() -> None:
    asked: list[int] = []
    with pytest.raises(AmalgamError, match="failure 3"):
        thrice(lambda: _failing(9, asked))
    assert asked == [1, 2, 3]
