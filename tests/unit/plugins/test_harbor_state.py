"""harbor_state in real plays, against a simulated Harbor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.harbor.simulated_harbor import SimulatedHarbor, simulated_harbor

PASSWORD, ROBOT_SECRET, HUB_SECRET = "Admin-0password", "Robot-0canary", "hub-canary"
DECLARED = {
    "projects": [{"name": "vision", "public": False, "members": [{"user": "alice", "role": "developer"}]}],
    "robots": [{"project": "vision", "name": "ci", "actions": ["pull"]}],
    "registries": [{"name": "hub", "type": "quay", "url": "https://hub.example.internal", "access_key": "reader"}],
    "scan_schedule": "",
    "gc": {},
}


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[SimulatedHarbor]:
    with simulated_harbor(tmp_path, PASSWORD) as running:
        yield running
    assert running.broken == []


def task(harbor: SimulatedHarbor, **changed: Any) -> dict[str, Any]:
    arguments = {
        "address": harbor.address,
        "ca_certificate": harbor.authority.certificate,
        "password": PASSWORD,
        "robot_secrets": {"vision/ci": ROBOT_SECRET},
        "registry_secrets": {"hub": HUB_SECRET},
        "declared": DECLARED,
    }
    return {"harbor_state": arguments | changed}


def test_a_first_run_makes_all_and_a_second_changes_nothing(harbor: SimulatedHarbor, play: Callable) -> None:
    first, second = play([task(harbor)]), play([task(harbor)])

    assert (first.rc, first.changed) == (0, 1)
    assert (second.rc, second.changed) == (0, 0)
    assert ROBOT_SECRET in harbor.robot_secrets.values()


def test_check_mode_shows_the_drift_and_changes_nothing(harbor: SimulatedHarbor, play: Callable) -> None:
    play([task(harbor)])
    harbor.project("vision")["metadata"]["public"] = "true"
    harbor.asked.clear()

    run = play([task(harbor)], "--check", "--diff")

    assert (run.rc, run.changed) == (0, 1)
    assert "project vision: public true -> false" in run.output
    assert harbor.writes == []


def test_check_mode_predicts_where_no_harbor_answers_yet(harbor: SimulatedHarbor, play: Callable) -> None:
    harbor.address = "127.0.0.1:1"

    assert (play([task(harbor)], "--check").rc, play([task(harbor)], "--check").changed) == (0, 1)
    assert "does not answer" in play([task(harbor)]).output


def test_what_is_not_declared_is_warned_of_and_is_no_change(harbor: SimulatedHarbor, play: Callable) -> None:
    play([task(harbor)])

    run = play([task(harbor)])

    assert "project library: not declared, and left as it is" in " ".join(run.output.split())
    assert run.changed == 0


def test_no_secret_is_printed_at_the_highest_verbosity(harbor: SimulatedHarbor, play: Callable) -> None:
    runs = [play([task(harbor)], "-vvvv", "--diff")]
    harbor.robot_secrets = dict.fromkeys(harbor.robot_secrets, "Another-0canary")
    runs.append(play([task(harbor)], "-vvvv", "--diff"))
    runs.append(play([task(harbor, password="Wrong-0canary")], "-vvvv"))

    assert [run.rc for run in runs] == [0, 0, 2]
    for run in runs:
        assert [one for one in (PASSWORD, ROBOT_SECRET, HUB_SECRET, "0canary") if one in run.output] == []


def test_declared_data_of_a_wrong_form_is_refused_by_name(harbor: SimulatedHarbor, play: Callable) -> None:
    run = play([task(harbor, declared={"robots": [{"project": "vision", "name": "ci", "actions": ["fly"]}]})])

    assert run.rc == 2
    assert "robots.0.actions.0" in run.output
    assert harbor.asked == []
