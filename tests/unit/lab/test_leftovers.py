from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.lab import cgroups, network
from amalgam.lab.leftovers import leftovers
from amalgam.lab.names import Names


@pytest.fixture(autouse=True)
def _no_real_cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "hierarchies", lambda: [tmp_path / "cgroup"])


def test_a_lab_that_never_was_leaves_nothing(names: Names) -> None:
    assert leftovers(names) == []


def test_folders_cgroups_and_namespaces_are_each_named(
    names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.folder.mkdir()
    (tmp_path / "cgroup" / names.lab / "gpu1").mkdir(parents=True)
    monkeypatch.setattr(network, "_NAMESPACES", tmp_path / "netns")
    (tmp_path / "netns" / names.network).mkdir(parents=True)
    (tmp_path / "netns" / "another-lab-net").mkdir()
    found = leftovers(names)
    assert f"folder {names.folder}" in found
    assert f"network namespace {names.network}" in found
    assert f"cgroup {tmp_path}/cgroup/{names.lab}/gpu1" in found
    assert not any("another" in line for line in found)
