from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.executor.stats import AggregateStats

from amalgam.work_log import VARIABLE
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


@pytest.mark.parametrize(("changed", "noted"), [(2, "site: 2 changes\n"), (0, "")])
def test_what_a_run_changed_is_noted(
    changed: int, noted: str, plugin: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setenv(VARIABLE, str(log))
    stats = AggregateStats()
    for _ in range(changed):
        stats.increment("changed", "gpu1")
    plugin("callback", "progress").CallbackModule().v2_playbook_on_stats(stats)
    assert log.read_text() == noted
