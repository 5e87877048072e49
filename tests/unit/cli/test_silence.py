"""``amalgam silence`` as a person uses it, with Alertmanager simulated."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from amalgam.cli import app, silence
from tests.unit.alerting.test_silences import Simulated, asked

SITE = ("--inventory", "inventories/lab")


@pytest.fixture
def alertmanager(monkeypatch: pytest.MonkeyPatch) -> Simulated:
    simulated = Simulated()
    login = SimpleNamespace(url="https://monitoring", account={}, user="amalgam")
    monkeypatch.setattr(silence, "Alertmanager", lambda *_: asked(simulated))
    monkeypatch.setattr(silence, "of_administrator", lambda _: login)
    return simulated


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["silence", *words, *SITE])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_silence_is_made_shown_and_ended(alertmanager: Simulated) -> None:
    identifier = run("create", "node=gpu1", "--comment", "new fans", "--minutes", "30").strip()

    assert alertmanager.silences[identifier]["createdBy"] == "amalgam"
    shown = run("list")
    assert "node=gpu1" in shown
    assert "new fans" in shown

    run("expire", identifier)
    assert "gpu1" not in run("list")
