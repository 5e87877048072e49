from __future__ import annotations

import pytest

from tests.unit.plugins.conftest import Play


@pytest.mark.parametrize(
    ("task", "outcome"),
    [
        ({"ansible.builtin.debug": {"msg": "x"}}, "Everything was in place: nothing changed"),
        ({"ansible.builtin.command": "true", "changed_when": True}, "Done: 1 changes"),
        ({"ansible.builtin.fail": {"msg": "x"}}, "Not finished: see localhost above"),
    ],
)
def test_a_run_says_how_far_it_is_and_how_it_ended(play: Play, task: dict, outcome: str) -> None:
    output = play([task], gather_facts=False).output
    assert "[1/1] localhost" in output
    assert outcome in output
