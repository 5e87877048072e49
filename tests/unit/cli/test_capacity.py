"""``amalgam capacity report``, with a Prometheus that answers by a rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amalgam.cli import app
from amalgam.cli import capacity as command
from tests.unit.capacity.synthetic import CHIPS, NOW, OWN, Synthetic, usual


@pytest.fixture
def synthetic() -> Synthetic:
    return usual()


@pytest.fixture
def amalgam(synthetic: Synthetic, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    OWN.save(tmp_path / "own.json")
    monkeypatch.setattr(command, "Prometheus", lambda _: synthetic.client())
    monkeypatch.setattr(command.time, "time", lambda: NOW)

    def run(*words: str) -> Result:
        arguments = ["capacity", "report", "--credentials", str(tmp_path / "own.json"), *words]
        return CliRunner().invoke(app, arguments)

    return run


def test_the_tables_show_share_trend_and_outlook(amalgam) -> None:
    done = amalgam()
    assert done.exit_code == 1, done.output
    (line,) = [line for line in done.output.splitlines() if "│ storage" in line]
    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells[:5] == ["cluster", "storage", "900.0 GiB", "1000.0 GiB", "90%"]
    assert cells[5].startswith("+10.0 GiB")
    assert "full, or within 30 days: 2" in done.output
    assert "nothing is known now of: stor1" in done.output


def test_machines_get_all_of_it(amalgam) -> None:
    found = json.loads(amalgam("--json").output)
    (storage,) = (entry for entry in found["entries"] if entry["resource"] == "storage")
    assert (storage["scope"], storage["name"], storage["unit"]) == ("cluster", "cluster", "bytes")
    assert (storage["verdict"], storage["share"]) == ("runs out", 0.9)
    assert storage["not_before"] <= storage["runs_out"] <= storage["not_after"]
    assert [one["resource"] for one in found["pressing"]] == ["nvidia.com/gpu", "storage"]
    assert [one["name"] for one in found["bottlenecks"]] == ["cluster", "gpu1", "vision"]
    assert found["silent"] == ["stor1"]


def test_it_ends_by_what_is_about_to_run_out(amalgam, synthetic: Synthetic) -> None:
    synthetic.series = [one for one in synthetic.series if one[0] is not CHIPS]
    assert amalgam("--warn-days", "30").exit_code == 1
    assert amalgam("--warn-days", "5").exit_code == 0


def test_the_page_is_written_where_one_says(amalgam, tmp_path: Path) -> None:
    done = amalgam("--html", str(tmp_path / "report.html"), "--json")
    assert json.loads(done.output)
    assert "<title>Capacity of example</title>" in (tmp_path / "report.html").read_text()
    refused = amalgam("--html", str(tmp_path / "nowhere" / "report.html"))
    assert refused.exit_code == 2
    assert "cannot be written" in refused.output


def test_where_nothing_is_measured_there_is_no_report(amalgam, synthetic: Synthetic) -> None:
    synthetic.nodes = ()
    done = amalgam()
    assert done.exit_code == 2
    assert "nothing has been measured yet" in done.output
