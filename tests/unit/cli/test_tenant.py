"""``amalgam tenant`` shows what the file grants, and what the cluster uses of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amalgam.cli import app
from amalgam.cli import tenant as command
from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.tenants.live import LiveVc
from amalgam.tenants.resources import total

LAB = str(project_root() / "inventories" / "lab")
RUN = CliRunner()


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    used = total([{"cpu": 1500, "nvidia.com/gpu": 3}])
    live = {"vision": LiveVc("vision", "institute/research", {}, used)}
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    monkeypatch.setattr(command, "read_live", lambda: live)


def test_the_list_says_what_is_used_of_what_there_is() -> None:
    said = RUN.invoke(app, ["tenant", "list", "-i", LAB]).stdout
    (line,) = [line for line in said.splitlines() if " vision " in line]
    assert "1500m of 12" in line
    assert "3 of 10" in line
    (group,) = [line for line in said.splitlines() if " research " in line]
    assert "16 of 16" in group


def test_a_vc_is_shown_with_loans_use_and_members() -> None:
    said = RUN.invoke(app, ["tenant", "show", "vision", "-i", LAB]).stdout
    (line,) = [line for line in said.splitlines() if "nvidia.com/gpu" in line and "+2" in line]
    assert [cell.strip() for cell in line.split("│")[2:6]] == ["8", "+2", "10", "3"]
    assert "bob (developer)" in said


def test_machines_get_the_same_as_quantities() -> None:
    found = json.loads(RUN.invoke(app, ["tenant", "show", "vision", "-i", LAB, "--json"]).stdout)
    assert (found["effective"]["nvidia.com/gpu"], found["used"]["cpu"]) == ("10", "1500m")
    listed = json.loads(RUN.invoke(app, ["tenant", "list", "-i", LAB, "--json"]).stdout)
    assert [one["path"] for one in listed] == [
        "institute",
        "institute/research",
        "institute/research/vision",
        "institute/research/nlp",
    ]


def test_without_a_cluster_the_rest_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable() -> dict[str, LiveVc]:
        raise AmalgamError("the cluster cannot be asked")

    monkeypatch.setattr(command, "read_live", unreachable)
    done = RUN.invoke(app, ["tenant", "list", "-i", LAB])
    assert done.exit_code == 0
    assert "- of 10" in done.stdout
    assert "what is used is not known" in done.stderr


def test_an_unknown_vc_is_refused_with_those_there_are() -> None:
    refused = RUN.invoke(app, ["tenant", "show", "visoin", "-i", LAB]).exception
    assert isinstance(refused, AmalgamError)
    assert "there are: nlp, vision" in str(refused)


def test_a_members_kubeconfig_is_for_their_eyes_and_begins_in_their_vc(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(command, "text_for", lambda *given: asked.append(given) or "text")
    file = tmp_path / "bob"
    words = ["tenant", "kubeconfig", "bob", "-i", LAB, "--output", str(file), "--days", "7"]
    assert RUN.invoke(app, words).exit_code == 0
    assert asked[0][:4] == (Path("/somewhere"), "bob", "vision", 7)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("text", 0o600)


@pytest.mark.parametrize("words", [["stranger"], ["bob", "--vc", "nlp"]])
def test_who_is_no_member_gets_none(words: list[str], tmp_path: Path) -> None:
    done = RUN.invoke(app, ["tenant", "kubeconfig", *words, "-i", LAB, "--output", str(tmp_path / "file")])
    assert isinstance(done.exception, AmalgamError)
    assert "is no member of" in str(done.exception)
    assert not (tmp_path / "file").exists()
