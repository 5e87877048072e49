"""The command ``amalgam logs``, with a store that answers what it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from amalgam.cli import app, watching
from amalgam.cli import logs as command
from amalgam.errors import AmalgamError
from amalgam.logs.query import Search
from amalgam.logs.store import Line
from amalgam.monitoring.credentials import Credentials

LINE: Line = {"_time": "2030-01-31T12:00:00Z", "_msg": "step 1", "node": "n1", "_SYSTEMD_UNIT": "kubelet.service"}


class _Store:
    """Stands in for the connection; remembers what it was asked."""

    lines: tuple[Line, ...] = ()
    asked: tuple[str, Search, dict[str, Any]] | None = None

    def __init__(self, credentials: Credentials, vc: str) -> None:
        assert credentials.user == "alice"
        self.vc = vc

    def __enter__(self) -> _Store:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def search(self, search: Search, **times: Any) -> list[Line]:
        type(self).asked = self.vc, search, times
        return list(self.lines)

    def tail(self, search: Search, *, seconds: int) -> Iterator[Line]:
        type(self).asked = self.vc, search, {"seconds": seconds}
        yield from self.lines
        raise AmalgamError("may not see")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[_Store]:
    own = Credentials(url="https://monitoring.example", user="alice", password="x", ca_certificate="PEM")
    own.save(tmp_path / "own.json")
    monkeypatch.setenv(Credentials.variable, str(tmp_path / "own.json"))
    fresh = type("_Fresh", (_Store,), {})
    monkeypatch.setattr(command, "LogStore", fresh)
    return fresh


def amalgam(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["logs", *arguments])


def test_a_line_that_is_found_is_printed(store: type[_Store]) -> None:
    store.lines = (LINE,)
    done = amalgam("step", "--vc", "vision", "--node", "n1", "--source", "journal", "--limit", "5", "--since", "2h")
    assert done.exit_code == 0, done.output
    assert done.output.endswith(" n1 kubelet.service step 1\n")
    assert store.asked is not None
    vc, search, times = store.asked
    assert (vc, search) == ("vision", Search(text="step", node="n1", source="journal"))
    assert (times["limit"], times["until"] - times["since"]) == (5, timedelta(hours=2))


def test_machines_get_every_field(store: type[_Store]) -> None:
    store.lines = (LINE, LINE)
    assert [json.loads(text) for text in amalgam("--json").output.splitlines()] == [LINE, LINE]


def test_it_ends_as_grep_does(store: type[_Store]) -> None:
    assert amalgam("nowhere").exit_code == 1
    wrong = amalgam("--source", "syslog")
    assert wrong.exit_code == 2
    assert "journal, audit, pods, events" in wrong.output
    assert amalgam("--since", "yesterday").exit_code == 2
    assert store.asked is not None


def test_following_prints_what_comes_and_begins_where_one_says(store: type[_Store]) -> None:
    store.lines = (LINE,)
    done = amalgam("--follow", "--since", "1m")
    assert done.exit_code == 2
    assert "step 1" in done.output
    assert "may not see" in done.output
    assert store.asked is not None
    assert store.asked[2] == {"seconds": 60}


def test_the_site_s_own_user_may_name_any_namespace(
    store: type[_Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(watching, "load_site", lambda folder: folder)
    monkeypatch.setattr(watching, "of_administrator", lambda _: Credentials.load())
    assert amalgam("--inventory", str(tmp_path), "--vc", "kube-system").exit_code == 1
    assert store.asked is not None
    assert store.asked[:2] == ("", Search(namespace="kube-system"))
    assert isinstance(store.asked[2]["since"], datetime)
