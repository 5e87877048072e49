"""A module's source is changed where its text is the one that was looked at, in a copy that the build is led to."""

from __future__ import annotations

import dataclasses
import re

import pytest

from amalgam.bundle.components import GoPatch, load_components
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.patched import write_patched
from amalgam.bundle.programs import Programs
from amalgam.bundle.store import Store
from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.pins import load_lock

MODULE = "example.org/tail"
PATCH = GoPatch(module=MODULE, file="lib/wait.go", old="Wait(10)", new="Wait(2)")


@pytest.fixture
def module(tmp_path):
    folder = tmp_path / "cache"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib/wait.go").write_text("package lib\n\nfunc f() { Wait(10) }\n")
    (folder / "lib/wait.go").chmod(0o444)
    return folder


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "go.mod").write_text(f"module m\n\nrequire {MODULE} v1.2.3\n")
    (folder / "go.sum").write_text("sums\n")
    return folder


def test_the_build_is_led_to_a_changed_copy(tmp_path, module, source):
    write_patched(source, tmp_path / "work", [PATCH], lambda name: {MODULE: module}[name])
    work = tmp_path / "work"
    assert f"\nreplace {MODULE} => ./patched/{MODULE}\n" in (work / "go.mod").read_text()
    assert (work / "go.sum").read_text() == "sums\n"
    assert "Wait(2)" in (work / "patched" / MODULE / "lib/wait.go").read_text()
    assert "Wait(10)" in (module / "lib/wait.go").read_text()
    assert "replace" not in (source / "go.mod").read_text()


@pytest.mark.parametrize("text", ["func f() { Wait(5) }\n", "Wait(10) Wait(10)\n", None])
def test_a_text_that_is_not_the_one_that_was_looked_at_is_refused(tmp_path, module, source, text):
    file = module / "lib/wait.go"
    file.unlink()
    if text is not None:
        file.write_text(text)
    with pytest.raises(AmalgamError, match=r"is there \d times in example.org/tail/lib/wait.go, and not once"):
        write_patched(source, tmp_path / "work", [PATCH], lambda _: module)


@pytest.fixture
def programs(tmp_path):
    components, lock = load_components(project_root()), load_lock()
    store, fetcher = Store(tmp_path / "made"), Fetcher(tmp_path / "downloads")
    return Programs(project_root(), tmp_path, store, fetcher, components, lock, "amd64", lambda *_: tmp_path)


@pytest.fixture
def agent(programs):
    return programs.components.components["victorialogs"]


def test_a_program_of_a_patched_component_is_built_from_the_copy(tmp_path, monkeypatch, module, programs, agent):
    for patch in agent.go.patches:
        (file := module / patch.file).parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{file.read_text() if file.exists() else ''}{patch.old}\n")
    seen = []
    monkeypatch.setattr(Programs, "_run_go", lambda *arguments: seen.append((arguments[-1] / "go.mod").read_text()))
    monkeypatch.setattr(Programs, "_modules", lambda *_: [])
    monkeypatch.setattr(Programs, "module_folder", lambda *_: module)
    facts = programs._go("vlagent", "victorialogs", agent, "amd64", tmp_path / "vlagent")
    assert facts["source"].startswith("go, patched: ")
    assert len(seen) == 1
    for patch in agent.go.patches:
        assert seen[0].count(f"=> ./patched/{patch.module}\n") == 1


def test_another_patch_is_another_key(programs, agent):
    without = agent.model_copy(update={"go": agent.go.model_copy(update={"patches": []})})
    pins = programs.components
    other = pins.model_copy(update={"components": {**pins.components, "victorialogs": without}})
    assert programs.key("vlagent", "amd64") != dataclasses.replace(programs, components=other).key("vlagent", "amd64")


def test_what_is_patched_is_the_version_that_is_built_whether_the_components_own_or_not(
    monkeypatch, programs, tmp_path
):
    asked = []

    def go(_self, arguments, *_):
        asked.append(arguments)
        return "v1.2.3\n" if arguments[0] == "list" else f'{{"Dir": "{tmp_path}"}}'

    monkeypatch.setattr(Programs, "_run_go", go)
    assert programs.module_folder("victorialogs", MODULE) == tmp_path
    assert asked[0][-1] == MODULE
    assert asked[1][-1] == f"{MODULE}@v1.2.3"


def test_a_component_without_patches_keeps_its_key():
    crane = load_components(project_root()).components["crane"]
    assert "patches" not in crane.model_dump()["go"]


def test_every_agent_has_one_block_under_way():
    """The patched queue counts one as unsent: a kill would lose those of other readers."""
    templates = [file.read_text() for file in (project_root() / "roles").rglob("*.j2")]
    agents = [text for text in templates if "-remoteWrite.url=" in text]
    assert agents
    assert all(re.search(r"-remoteWrite\.queues=1\s", text) for text in agents)
