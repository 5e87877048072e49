"""drain.yml and uncordon.yml in real plays, with a kubectl that says what it is told to, and writes down its words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plugins.conftest import ROOT, Played, Server
from tests.unit.plugins.test_alertmanager_silence import answer, silence

KUBECTL = """#!/bin/sh
echo "$@" >>{folder}/asked
cat {folder}/said
"""
Work = Callable[..., Played]


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    return tmp_path / "asked"


@pytest.fixture
def work(tmp_path: Path, play: Callable[..., Played], server: Server) -> Work:
    """Run one of them on this machine: what kubectl says, and whether the site is watched."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/kubectl").write_text(KUBECTL.format(folder=tmp_path))
    (tmp_path / "bin/kubectl").chmod(0o755)
    host, _, port = server.url.removeprefix("https://").partition(":")

    def run(name: str, said: str, *options: str, monitored: bool = False, **more: Any) -> Played:
        (tmp_path / "said").write_text(f"{said}\n")
        _, described = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text())
        tasks = [{key: value for key, value in task.items() if key != "delegate_to"} for task in described["tasks"]]
        variables = {
            "site_monitored": monitored,
            "site_management_address": host,
            "site_monitoring_port": int(port),
            "site_secrets": {"ca_certificate": server.ca_path.read_text()},
            "monitoring_web_administrators": ["amalgam"],
            "monitoring_web_passwords": {"amalgam": "canary-password"},
        }
        path = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
        return play(tasks, *options, vars=variables | more, environment=path)

    return run


LIMIT = ("--limit", "localhost")


def test_without_a_limit_nothing_is_emptied(work: Work, asked: Path) -> None:
    done = work("drain", "node/localhost cordoned")
    assert done.rc != 0
    assert "name those that are meant with --limit" in done.output
    assert not asked.exists()


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("node/localhost cordoned\nevicting pod vision/a\npod/a evicted\nnode/localhost drained", 1),
        ("node/localhost already cordoned\nevicting pod vision/a\nnode/localhost drained", 1),
        ("node/localhost already cordoned\nnode/localhost drained", 0),
    ],
)
def test_a_node_is_emptied_once(work: Work, asked: Path, said: str, changed: int) -> None:
    assert work("drain", said, *LIMIT).changed == changed
    words = asked.read_text().split()
    assert {"drain", "localhost", "--ignore-daemonsets", "--delete-emptydir-data"} <= set(words)
    assert not {"--force", "--dry-run=client"} & set(words)


def test_what_nobody_would_start_again_goes_only_where_that_is_said(work: Work, asked: Path) -> None:
    work("drain", "node/localhost cordoned", *LIMIT, drain_force=True)
    assert "--force" in asked.read_text().split()


def test_check_mode_says_what_would_leave_and_be_silent(work: Work, asked: Path, server: Server) -> None:
    answer(server)
    said = "node/localhost cordoned (dry run)\nevicting pod vision/a (dry run)"
    assert work("drain", said, "--check", *LIMIT, monitored=True).changed == 2
    assert "--dry-run=client" in asked.read_text().split()
    assert {method for method, _ in server.asked} == {"GET"}


@pytest.mark.parametrize(
    ("said", "changed"), [("node/localhost uncordoned", 1), ("node/localhost already uncordoned", 0)]
)
def test_a_node_is_taken_back_once(work: Work, asked: Path, said: str, changed: int) -> None:
    assert work("uncordon", said).changed == changed
    assert [line.split()[2] for line in asked.read_text().splitlines()] == ["wait", "uncordon"]


def test_what_was_silenced_for_the_node_is_what_is_told_again(work: Work, server: Server) -> None:
    def held(comment: str, node: str) -> dict[str, Any]:
        matcher = {"name": "node", "value": node, "isRegex": False, "isEqual": True}
        return silence(200) | {"id": f"{comment} {node}", "comment": comment, "matchers": [matcher]}

    own, others = held("drained", "localhost"), [held("drained", "gpu2"), held("new fan", "localhost")]
    answer(server, own, *others)
    back = "node/localhost already uncordoned"
    assert work("uncordon", back, "--check", monitored=True).changed == 1
    assert work("drain", "node/localhost already cordoned", "--check", *LIMIT, monitored=True).changed == 1
    answer(server, held("drained", "localhost") | {"endsAt": silence(241)["endsAt"]})
    assert work("drain", "node/localhost already cordoned", "--check", *LIMIT, monitored=True).changed == 0
    answer(server, *others)
    assert work("uncordon", back, "--check", monitored=True).changed == 0
