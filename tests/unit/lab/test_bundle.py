"""The bundle of a lab is for the architectures of its hosts alone, and lies where the lab's inventory looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from amalgam.bundle.build import Builder
from amalgam.errors import AmalgamError
from amalgam.lab import bundle
from amalgam.lab.names import Names
from tests.unit.lab.conftest import MakeSite

GPU = {"ansible_host": "10.88.0.21", "accelerator": "nvidia"}


@pytest.mark.parametrize(("facts", "architectures"), [({}, ["amd64"]), ({"architecture": "arm64"}, ["amd64", "arm64"])])
def test_only_what_its_hosts_run_is_built(
    facts: dict[str, str],
    architectures: list[str],
    names: Names,
    make_site: MakeSite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = make_site(lab={}, workers={"gpu1": GPU | facts})
    built, asked = tmp_path / "built", []
    monkeypatch.setattr(Builder, "build", lambda self: asked.append(list(self.arches)) or built)
    monkeypatch.setattr(bundle, "load_site", lambda _: site)
    # Whatever this machine has.
    monkeypatch.setattr(bundle.cgroups, "hierarchies", list)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert bundle.link_bundle(names, site.folder, Console(quiet=True)) == built
    assert asked == [architectures]
    assert (names.folder / "bundle").readlink() == built


def test_a_machine_that_can_have_no_nodes_is_refused_before_anything_is_built(
    names: Names, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(lab={}, workers={"gpu1": GPU})
    monkeypatch.setattr(Path, "read_text", lambda _self: "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
    monkeypatch.setattr(Builder, "build", lambda _self: pytest.fail("it was built"))
    monkeypatch.setattr(bundle, "load_site", lambda _: site)
    with pytest.raises(AmalgamError, match="no version 1"):
        bundle.link_bundle(names, site.folder, Console(quiet=True))
