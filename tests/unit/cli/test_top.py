"""``amalgam top``, with the answers of a real Prometheus."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from amalgam.cli import app
from amalgam.cli import top as command
from amalgam.top.snapshot import View
from tests.unit.top.recorded import OWN, Recorded

Run = Callable[..., Result]


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def amalgam(recorded: Recorded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    OWN.save(tmp_path / "own.json")
    monkeypatch.setattr(command, "Prometheus", lambda _: recorded.client())
    return lambda *words: CliRunner().invoke(app, ["top", "--credentials", str(tmp_path / "own.json"), *words])


def _cells(output: str, first: str) -> list[str]:
    """Of its first line, which is the host's or the VC's own."""
    line = next(line for line in output.splitlines() if line.startswith(f"│ {first} "))
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_hosts_vcs_and_chips_are_printed_once_where_nobody_looks(amalgam: Run) -> None:
    done = amalgam()
    assert done.exit_code == 0, done.output
    assert "alerts: 1 critical, 1 warning" in done.output
    host = _cells(done.output, "gpu1")
    assert (host[1], host[5], host[9], host[10]) == ("ready", "10%", "1 of 8", "31%")
    vc = _cells(done.output, "vision")
    assert (vc[1], vc[2], vc[7], vc[8]) == ("1.7", "4.0 of 12.0", "3 of 10 nvidia.com/gpu", "1 running")
    assert "vision/train-0" in done.output


def test_one_view_alone(amalgam: Run) -> None:
    said = amalgam("--once", "--chips").output
    assert "nvidia 7" in said
    assert "stor1" not in said


def test_machines_get_the_same_as_numbers(amalgam: Run) -> None:
    found = json.loads(amalgam("--json", "--nodes", "--chips").output)
    assert set(found) == {"at", "alerts", "nodes", "chips"}
    assert {node["name"]: node["chips"] for node in found["nodes"]} == {"gpu1": 8, "gpu2": 8, "master1": 0, "stor1": 0}
    assert [chip["chip"] for chip in found["chips"]] == ["0", "5", "7"]


def test_where_prometheus_cannot_be_asked_it_ends_with_two(amalgam: Run, recorded: Recorded) -> None:
    recorded.away = True
    done = amalgam("--once")
    assert done.exit_code == 2
    assert "does not answer: no route" in done.output


def test_what_is_live_goes_on_while_prometheus_is_away_and_ends_with_a_key(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(record=True, width=160, height=30, force_terminal=True)
    presses = iter([False, False, True])

    def pressed(seconds: float) -> bool:
        assert seconds == 3
        recorded.away = not recorded.away
        return next(presses)

    @contextmanager
    def waiting() -> Iterator[Callable[[float], bool]]:
        yield pressed

    monkeypatch.setattr(command, "waiting", waiting)
    with recorded.client() as prometheus:
        command._live(console, prometheus, [View.VCS], 3)
    said = console.export_text()
    assert said.count("q ends") == 2
    assert said.count("Prometheus does not answer: no route") == 1


def test_ctrl_c_ends_it_well(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(_: float) -> bool:
        raise KeyboardInterrupt

    @contextmanager
    def waiting() -> Iterator[Callable[[float], bool]]:
        yield pressed

    monkeypatch.setattr(command, "waiting", waiting)
    with recorded.client() as prometheus:
        command._live(Console(record=True, force_terminal=True), prometheus, [View.NODES], 3)
