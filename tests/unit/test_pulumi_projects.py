"""The projects are run in their order, each with the site's stack; what fails stops those after it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from amalgam import pulumi_projects
from amalgam.errors import AmalgamError
from amalgam.pulumi_home import PulumiHome
from amalgam.pulumi_projects import PROJECTS, Projects
from amalgam.work_log import VARIABLE

# Stands in for the engine: writes down how it was started, and fails where a file says so.
_ENGINE = """#!/bin/sh
echo "$(basename "$2") $KUBECONFIG $4 $5" >>"$(dirname "$0")/../said"
[ "$4 $5" != "stack ls" ] || cat "$(dirname "$0")/../stacks" 2>/dev/null || echo "[]"
! grep -qsx "$(basename "$2") $4 $5" "$(dirname "$0")/../fails"
"""


@pytest.fixture
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Projects:
    (tmp_path / "bin").mkdir()
    engine = tmp_path / "bin" / "pulumi"
    engine.write_text(_ENGINE)
    engine.chmod(0o755)
    for project in PROJECTS:
        (tmp_path / "pulumi" / project).mkdir(parents=True)
    monkeypatch.setattr(pulumi_projects, "project_root", lambda: tmp_path)
    monkeypatch.setenv("KUBECONFIG", os.path.relpath(tmp_path / "kubeconfig"))
    home = PulumiHome(tmp_path, tmp_path / "state", tmp_path / "passphrase", False, False)
    return Projects(tmp_path / "inventory", "lab", home, tmp_path / "of-the-site")


def _said(tmp_path: Path) -> list[str]:
    return (tmp_path / "said").read_text().splitlines()


def test_all_are_run_in_their_order_with_a_kubeconfig_that_every_folder_finds(
    projects: Projects, tmp_path: Path
) -> None:
    projects.run("up", "--yes")
    ups = [line for line in _said(tmp_path) if line.endswith("up --yes")]
    assert ups == [f"{project} {tmp_path}/kubeconfig up --yes" for project in PROJECTS]


def test_what_is_taken_away_is_taken_away_from_the_last_on(projects: Projects, tmp_path: Path) -> None:
    projects.run("destroy", backwards=True, more={"tenants": ("--run-program",)})
    gone = [line.split() for line in _said(tmp_path) if " destroy " in line]
    # The word after it: of one project more than of the others.
    assert [(project, word) for project, _, _, word in gone] == [
        ("training", "--stack"),
        ("tenants", "--run-program"),
        ("platform", "--stack"),
    ]


def test_the_kubeconfig_that_the_install_left_is_used_where_none_is_named(
    projects: Projects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG")
    projects.run("preview")
    assert {line.split()[1] for line in _said(tmp_path)} == {f"{tmp_path}/of-the-site"}


def test_a_stack_that_is_missing_is_made_without_what_an_older_one_left(projects: Projects, tmp_path: Path) -> None:
    left = tmp_path / "pulumi" / "platform" / "Pulumi.lab.yaml"
    left.write_text("encryptionsalt: another\n")
    (tmp_path / "fails").write_text("platform stack select\n")
    projects.run("preview", "--diff")
    inits = [line for line in _said(tmp_path) if "stack init" in line]
    assert inits == [f"platform {tmp_path}/kubeconfig stack init"]
    assert not left.exists()


@pytest.mark.parametrize("why", ["stack select", "stack ls"])
def test_a_stack_that_is_there_keeps_its_settings_whatever_is_wrong_with_it(
    projects: Projects, tmp_path: Path, why: str
) -> None:
    settings = tmp_path / "pulumi" / "platform" / "Pulumi.lab.yaml"
    settings.write_text("encryptionsalt: its own\n")
    (tmp_path / "fails").write_text(f"platform stack select\nplatform {why}\n")
    if why == "stack select":
        (tmp_path / "stacks").write_text('[{"name": "lab", "current": true}]')
    with pytest.raises(AmalgamError) as refused:
        projects.run("preview")
    assert f"pulumi {why} in pulumi/platform" in str(refused.value)
    assert settings.exists()
    assert not [line for line in _said(tmp_path) if "stack init" in line]


@pytest.mark.parametrize(("inventory", "asked"), [("inventory", 0), ("another", 2)])
def test_a_stack_that_is_there_for_this_inventory_is_not_asked_for(
    projects: Projects, tmp_path: Path, inventory: str, asked: int
) -> None:
    for project in PROJECTS:
        settings = tmp_path / "pulumi" / project / "Pulumi.lab.yaml"
        settings.write_text(f"config:\n  {project}:inventory: {tmp_path / inventory}\n")
        state = tmp_path / "state" / ".pulumi" / "stacks" / project / "lab.json"
        state.parent.mkdir(parents=True)
        state.write_text("{}")
    projects.run("preview")
    assert len(_said(tmp_path)) == len(PROJECTS) * (1 + asked)


def test_a_lock_that_a_killed_engine_has_left_is_gone_before_the_next_starts(
    projects: Projects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[tuple[Path, str, str, bool]] = []

    def release(backend: Path, project: str, stack: str) -> None:
        asked = (tmp_path / "said").exists() and any(line.startswith(project) for line in _said(tmp_path))
        released.append((backend, project, stack, asked))

    monkeypatch.setattr(pulumi_projects, "release_stale", release)
    projects.run("up", "--yes")
    assert released == [(tmp_path / "state", project, "lab", False) for project in PROJECTS]


def test_what_fails_is_named_and_those_after_it_are_not_touched(projects: Projects, tmp_path: Path) -> None:
    (tmp_path / "fails").write_text("platform up --yes\n")
    with pytest.raises(AmalgamError, match="`pulumi up` failed in pulumi/platform"):
        projects.run("up", "--yes")
    assert not [line for line in _said(tmp_path) if line.startswith("tenants")]


def test_what_was_changed_is_noted_and_what_was_not_is_not(
    projects: Projects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv(VARIABLE, str(log))
    for project, changes in (("platform", {"create": 3, "update": 1, "same": 9}), ("tenants", {"same": 5})):
        history = tmp_path / "state" / ".pulumi" / "history" / project / "lab"
        history.mkdir(parents=True)
        (history / "lab-1.history.json").write_text(json.dumps({"resourceChanges": {"create": 100}}))
        (history / "lab-2.history.json").write_text(json.dumps({"resourceChanges": changes}))
    projects.run("preview")
    projects.run("up", "--yes")
    assert log.read_text().splitlines() == ["platform: 4 changes", "training: brought up"]
