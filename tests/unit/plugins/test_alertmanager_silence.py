"""alertmanager_silence in real plays, against a simulated Alertmanager that is only read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.plugins.conftest import Server

PASSWORD = "canary-password"
ASKED = ("GET", "/alertmanager/api/v2/silences")


def silence(minutes: int) -> dict[str, Any]:
    """One that Alertmanager has."""
    now = datetime.now(UTC)
    return {
        "id": "s1",
        "matchers": [{"name": "node", "value": "gpu1", "isRegex": False, "isEqual": True}],
        "comment": "upgrade",
        "createdBy": "amalgam",
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(minutes=minutes)).isoformat(),
        "status": {"state": "active"},
    }


@pytest.fixture
def task(server: Server) -> Callable[..., dict[str, Any]]:
    def of(**changed: Any) -> dict[str, Any]:
        arguments = {
            "url": server.url,
            "ca_certificate": server.ca_path.read_text(),
            "username": "amalgam",
            "password": PASSWORD,
            "matchers": ["node=gpu1"],
            "minutes": 30,
            "comment": "upgrade",
        }
        return {"alertmanager_silence": arguments | changed}

    return of


def answer(server: Server, *silences: dict[str, Any]) -> None:
    server.answers[ASKED] = (200, {"Content-Type": "application/json"}, json.dumps(silences).encode())


def test_check_mode_predicts_a_silence_and_its_end(server: Server, task: Callable, play: Callable) -> None:
    answer(server)
    assert play([task()], "--check").changed == 1
    assert play([task(state="absent")], "--check").changed == 0
    answer(server, silence(60))
    assert play([task(state="absent")], "--check").changed == 1


def test_a_silence_that_is_there_is_no_change(server: Server, task: Callable, play: Callable) -> None:
    answer(server, silence(60))
    run = play([task()])
    assert (run.rc, run.changed) == (0, 0), run.output


def test_work_is_not_held_up_by_an_alertmanager_that_is_down(task: Callable, play: Callable) -> None:
    away = "https://127.0.0.1:1"
    run = play([task(url=away)])
    assert (run.rc, run.changed) == (0, 0), run.output
    assert "nothing was silenced" in " ".join(run.output.split())
    assert play([task(url=away, required=True)]).rc == 2


def test_a_matcher_that_is_none_is_refused(task: Callable, play: Callable) -> None:
    run = play([task(matchers=["gpu1"])])
    assert run.rc == 2
    assert "'gpu1' says nothing about a label" in " ".join(run.output.split())


def test_no_password_is_printed_at_the_highest_verbosity(server: Server, task: Callable, play: Callable) -> None:
    answer(server)
    for run in (play([task()], "--check", "-vvvv"), play([task(matchers=["gpu1"])], "-vvvv")):
        assert PASSWORD not in run.output
