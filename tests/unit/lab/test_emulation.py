from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab import emulation


@pytest.fixture(autouse=True)
def _amd64_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulation, "own_architecture", lambda: "amd64")


def test_the_machines_own_architecture_needs_nothing() -> None:
    emulation.require("amd64", where="gpu1")
    assert not emulation.is_emulated("amd64")
    assert emulation.register_script("amd64") == ":"


def test_an_architecture_that_cannot_be_emulated_is_refused_by_the_nodes_name() -> None:
    with pytest.raises(AmalgamError, match="cannot run") as caught:
        emulation.require("riscv64", where="npu1")
    assert caught.value.where == "npu1"


def test_emulation_that_is_not_installed_is_refused_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulation, "_DESCRIPTIONS", tmp_path)
    monkeypatch.setattr(emulation.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(AmalgamError) as caught:
        emulation.require("arm64", where="npu1")
    assert "qemu-user-static" in caught.value.remedy
    (tmp_path / "qemu-aarch64.conf").touch()
    emulation.require("arm64", where="npu1")


def test_an_emulated_node_whose_runtime_would_be_emulated_too_is_refused_with_the_key_to_set() -> None:
    emulation.require_runtime("amd64", "amd64", where="gpu1")
    emulation.require_runtime("arm64", "amd64", where="npu1")
    with pytest.raises(AmalgamError, match="for arm64 fails") as caught:
        emulation.require_runtime("arm64", "arm64", where="npu1")
    assert caught.value.where == "npu1"
    assert "`runtime_architecture: amd64`" in caught.value.remedy


def test_an_emulated_nodes_time_service_does_without_the_filter_that_it_cannot_have() -> None:
    files = emulation.node_files("arm64")
    assert "-F 0" in files["etc/systemd/system/chrony.service.d/emulated.conf"]
    assert emulation.node_files("amd64") == {}


def test_the_format_is_registered_once_and_a_second_node_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulation, "_DESCRIPTIONS", tmp_path / "binfmt.d")
    monkeypatch.setattr(emulation, "_KERNEL", tmp_path)
    (tmp_path / "binfmt.d").mkdir()
    (tmp_path / "binfmt.d/qemu-aarch64.conf").write_text(":qemu-aarch64:M::x:y:z:OPF")
    (tmp_path / "register").touch()
    subprocess.run(["sh", "-ec", emulation.register_script("arm64")], check=True)
    assert (tmp_path / "register").read_text() == ":qemu-aarch64:M::x:y:z:OPF"
    (tmp_path / "qemu-aarch64").touch()
    (tmp_path / "register").write_text("")
    subprocess.run(["sh", "-ec", emulation.register_script("arm64")], check=True)
    assert (tmp_path / "register").read_text() == ""
