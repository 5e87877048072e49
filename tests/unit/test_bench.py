"""What `make bench` measures, with stand-ins for what takes minutes."""

from __future__ import annotations

import pytest

from tests.bench import again


@pytest.mark.parametrize(("state", "made"), [("down", ["lab", "lab", "lab-down"]), ("up", ["lab", "lab"])])
def test_the_second_make_lab_is_timed_and_the_lab_left_as_it_was(
    state: str, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    targets: list[str] = []
    monkeypatch.setattr(again, "status", lambda _: {"state": state})
    monkeypatch.setattr(again, "_make", targets.append)

    with again.lab_made_again() as figure:
        assert targets == ["lab", "lab"]

    assert targets == made
    assert (figure.what, figure.goal_seconds) == ("second `make lab`", 60)
    assert figure.seconds < 1


def test_a_lab_that_did_not_come_up_is_taken_down_again(monkeypatch: pytest.MonkeyPatch) -> None:
    targets: list[str] = []

    def make(target: str) -> None:
        targets.append(target)
        if target == "lab":
            raise RuntimeError("it failed")

    monkeypatch.setattr(again, "status", lambda _: {"state": "down"})
    monkeypatch.setattr(again, "_make", make)

    with pytest.raises(RuntimeError, match="it failed"), again.lab_made_again():
        pytest.fail("there is no lab")
    assert targets == ["lab", "lab-down"]
