from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab import cgroups


@pytest.fixture
def two_hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Folders in place of a cpuset and a memory hierarchy: files in a new one are made here, not by a kernel."""
    cpuset, memory = tmp_path / "cpuset", tmp_path / "memory"
    for folder in (cpuset, cpuset / "lab", cpuset / "lab/gpu1", memory, memory / "lab", memory / "lab/gpu1"):
        folder.mkdir()
        names = ("cpuset.cpus", "cpuset.mems") if cpuset in (folder, *folder.parents) else ("memory.limit_in_bytes",)
        for name in names:
            (folder / name).write_text("\n")
    (cpuset / "cpuset.cpus").write_text("0-1\n")
    (cpuset / "cpuset.mems").write_text("0\n")
    monkeypatch.setattr(cgroups, "hierarchies", lambda: [cpuset, memory])
    return cpuset, memory


def test_a_cpuset_is_filled_from_its_parent_at_every_level(two_hierarchies: tuple[Path, Path]) -> None:
    cpuset, _ = two_hierarchies
    cgroups.create("lab/gpu1")
    assert (cpuset / "lab/cpuset.cpus").read_text() == "0-1\n"
    assert (cpuset / "lab/gpu1/cpuset.cpus").read_text() == "0-1\n"
    assert (cpuset / "lab/gpu1/cpuset.mems").read_text() == "0\n"


def test_a_memory_limit_is_the_nodes_own_and_in_bytes(two_hierarchies: tuple[Path, Path]) -> None:
    _, memory = two_hierarchies
    cgroups.create("lab/gpu1", memory_mib=3)
    assert (memory / "lab/gpu1/memory.limit_in_bytes").read_text() == str(3 * 1024 * 1024)
    assert (memory / "lab/memory.limit_in_bytes").read_text() == "\n"


def test_folders_come_children_first_so_that_they_can_be_removed(two_hierarchies: tuple[Path, Path]) -> None:
    cpuset, memory = two_hierarchies
    (memory / "lab/gpu1/kubepods").mkdir()
    found = cgroups.folders("lab")
    assert found.index(memory / "lab/gpu1/kubepods") < found.index(memory / "lab/gpu1") < found.index(memory / "lab")
    assert cpuset / "lab" in found
    assert cgroups.folders("another") == []


def test_processes_of_all_levels_and_hierarchies_are_found(two_hierarchies: tuple[Path, Path]) -> None:
    cpuset, memory = two_hierarchies
    (cpuset / "lab/cgroup.procs").write_text("11\n12\n")
    (memory / "lab/gpu1/cgroup.procs").write_text("12\n13\n")
    assert cgroups.pids("lab") == {11, 12, 13}


def test_a_machine_without_version_1_controllers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _self: "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
    with pytest.raises(AmalgamError, match="no version 1"):
        cgroups.hierarchies()
