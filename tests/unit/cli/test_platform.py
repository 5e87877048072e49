"""``amalgam platform`` hands the right words to Pulumi, and destroys nothing without the site's name."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from amalgam.cli import app
from amalgam.cli import platform as command
from amalgam.errors import AmalgamError
from amalgam.paths import project_root

LAB = str(project_root() / "inventories" / "lab")
RUN = CliRunner()


class _Projects:
    """Remembers what Pulumi is told."""

    def __init__(self) -> None:
        self.ran: list[tuple[tuple[str, ...], bool]] = []
        self.more: dict[str, tuple[str, ...]] = {}

    def run(self, *words: str, backwards: bool = False, more: dict[str, tuple[str, ...]] | None = None) -> None:
        self.ran.append((words, backwards))
        self.more = more or {}


@pytest.fixture
def projects(monkeypatch: pytest.MonkeyPatch) -> _Projects:
    found = _Projects()
    monkeypatch.setattr(command, "_projects", lambda _: found)
    return found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["preview"], ("preview",)),
        (["up", "--expect-no-changes"], ("up", "--yes", "--skip-preview", "--expect-no-changes")),
        (["refresh"], ("refresh", "--yes", "--skip-preview")),
        (["refresh", "--expect-no-changes"], ("refresh", "--yes", "--skip-preview", "--expect-no-changes")),
    ],
)
def test_each_command_is_pulumis_of_that_name(projects: _Projects, words: list[str], told: Any) -> None:
    assert RUN.invoke(app, ["platform", *words, "-i", LAB]).exit_code == 0
    assert projects.ran == [(told, False)]


def test_all_is_taken_away_backwards_by_the_program_that_looks_for_data(projects: _Projects) -> None:
    assert RUN.invoke(app, ["platform", "destroy", "-i", LAB, "--confirm", "lab"]).exit_code == 0
    assert projects.ran == [(("destroy", "--yes", "--skip-preview"), True)]
    # That of training would protect again what has been unprotected.
    assert projects.more == {"tenants": ("--run-program",)}


@pytest.mark.parametrize("words", [[], ["--confirm", "lab-ha"]])
def test_nothing_is_taken_away_without_the_sites_name(projects: _Projects, words: list[str]) -> None:
    refused = RUN.invoke(app, ["platform", "destroy", "-i", LAB, *words]).exception
    assert isinstance(refused, AmalgamError)
    assert "--confirm lab" in refused.remedy
    assert projects.ran == []
