from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab.simulated_chips import install as simulated_chips
from amalgam.lab.simulated_chips.install import FOLDER, install

_ON_NODE = Path(simulated_chips.__file__).parent / "on_node"
_LIBRARIES = {"grpc", "google"}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in (
        "grpcio-1-cp311-cp311-manylinux_2_17_x86_64.whl",
        "grpcio-1-cp311-cp311-manylinux_2_17_aarch64.whl",
        "protobuf-1-cp39-abi3-manylinux2014_x86_64.whl",
        "typing_extensions-1-py3-none-any.whl",
    ):
        with zipfile.ZipFile(folder / name, "w") as wheel:
            wheel.writestr(f"{name.partition('-')[0]}.txt", name)
    return folder


def _install(upper: Path, wheels: Path, accelerator: str = "nvidia", architecture: str = "amd64") -> None:
    install(upper, node="gpu1", accelerator=accelerator, architecture=architecture, wheels=wheels)


def test_a_node_gets_its_chips_their_plugin_and_their_tool(tmp_path: Path, wheels: Path) -> None:
    _install(tmp_path / "upper", wheels)
    told = json.loads((tmp_path / "upper/etc/simulated-chips/machine.json").read_text())
    assert (told["resource"], len(told["chips"])) == ("nvidia.com/gpu", 8)
    assert "x86_64" in (tmp_path / "upper" / FOLDER / "grpcio.txt").read_text()
    programs = tmp_path / "upper/usr/local/bin"
    assert {program.name for program in programs.iterdir()} == {"simulated-chips", "nvidia-smi"}
    assert all(os.access(program, os.X_OK) for program in programs.iterdir())
    link = tmp_path / "upper/etc/systemd/system/multi-user.target.wants/simulated-chips.service"
    assert (tmp_path / "upper" / str(link.readlink()).lstrip("/")).is_file()


def test_npus_come_with_the_tool_of_their_network_ports_too(tmp_path: Path, wheels: Path) -> None:
    _install(tmp_path / "upper", wheels, accelerator="ascend")
    programs = {program.name for program in (tmp_path / "upper/usr/local/bin").iterdir()}
    assert programs == {"simulated-chips", "npu-smi", "hccn_tool"}


def test_the_npus_of_a_node_are_in_two_rings_of_four() -> None:
    told = simulated_chips.describe("npu1", "ascend")
    assert told["rings"] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [chip["device"] for chip in told["chips"]] == [f"Ascend910-{number}" for number in range(8)]


def test_no_two_gpus_of_a_site_have_the_same_serial_number() -> None:
    ids = [chip["uuid"] for node in ("gpu1", "gpu2") for chip in simulated_chips.describe(node, "nvidia")["chips"]]
    assert len(set(ids)) == 16


def test_a_bundle_without_the_libraries_is_refused(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(AmalgamError, match="protobuf for arm64") as caught:
        _install(tmp_path / "upper", wheels, architecture="arm64")
    assert "--arch arm64" in caught.value.remedy


def test_the_programs_run_on_a_node_that_has_nothing_of_ours(tmp_path: Path, wheels: Path) -> None:
    _install(tmp_path / "upper", wheels)
    programs = "__main__, hccn_tool, nvidia_smi, npu_smi"
    program = f"import sys; from simulated_chips import {programs}; print([m for m in sys.modules])"
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(tmp_path / 'upper' / FOLDER)!r}); {program}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "amalgam" not in done.stdout


def test_the_plugin_imports_nothing_but_python_its_libraries_and_its_neighbours() -> None:
    for file in _ON_NODE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names | _LIBRARIES, file
            if isinstance(node, ast.ImportFrom) and node.level:
                assert (_ON_NODE / f"{node.module}.py").exists(), file
