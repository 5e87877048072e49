"""What the steps of `make lab` have done together."""

from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.paths import project_root
from amalgam.work_log import VARIABLE, closing, note


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").write_text("1000\n")
    monkeypatch.setattr("amalgam.work_log.time.time", lambda: 1125.0)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "work"))


@pytest.mark.usefixtures("begun")
def test_all_that_was_done_is_said_at_the_end_with_the_time_it_took() -> None:
    note("nodes: 4 created")
    note("site: 312 changes")
    assert closing() == "Done in 2 min 05 s: nodes: 4 created, site: 312 changes"


@pytest.mark.usefixtures("begun")
def test_where_no_step_did_anything_that_is_said() -> None:
    assert closing().startswith("Everything was in place: nothing had to be done (2 min 05 s")


def test_without_a_log_nothing_is_noted_and_nothing_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    note("something")
    assert closing() == ""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "never-begun"))
    assert closing() == ""


def test_make_lab_begins_a_log() -> None:
    assert f"lab: export {VARIABLE} :=" in (project_root() / "Makefile").read_text()
