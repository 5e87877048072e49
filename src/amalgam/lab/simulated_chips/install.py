"""Puts simulated chips into a node's disk, as one puts cards into a server: before it boots, and by no role."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amalgam.chips.table import kind_of
from amalgam.lab import wheels as lab_wheels
from amalgam.lab.units import enable

CHIPS = 8

FOLDER = "usr/local/lib/simulated-chips"
_ON_NODE = Path(__file__).parent / "on_node"
_PACKAGE = "simulated_chips"
_LIBRARIES = ("grpcio", "protobuf", "typing_extensions")

# What a server of each kind has: a DGX A100's GPUs; an Atlas 800's NPUs, in the order of its slots.
_MODELS: dict[str, dict[str, Any]] = {
    "nvidia": {
        "model": "NVIDIA A100-SXM4-80GB",
        "driver": "550.127.08",
        "firmware": "",
        "memory_mib": 81920,
        "variable": "NVIDIA_VISIBLE_DEVICES",
    },
    "ascend": {
        "model": "910A",
        "driver": "24.1.0",
        "firmware": "7.5.0.5.220",
        "memory_mib": 32768,
        "variable": "ASCEND_VISIBLE_DEVICES",
    },
}
_BUSES = {
    "nvidia": ("07", "0f", "47", "4e", "87", "90", "b7", "bd"),
    "ascend": ("c1", "81", "41", "01", "c2", "82", "42", "02"),
}
_TOOLS = {
    "nvidia": {"nvidia-smi": "nvidia_smi"},
    "ascend": {"npu-smi": "npu_smi", "hccn_tool": "hccn_tool"},
}

_UNIT = """\
[Unit]
Description=Simulated accelerators: device plugin of this node's kubelet
After=kubelet.service

[Service]
ExecStart=/usr/local/bin/simulated-chips plugin
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""

_PROGRAM = f"""\
#!/bin/sh
# Part of the simulated accelerators of this lab node. It leaves no files beside its own.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/{FOLDER} exec python3 -m {{module}} "$@"
"""


def install(upper: Path, *, node: str, accelerator: str, architecture: str, wheels: Path) -> None:
    """Put chips of that kind, their device plugin and their tools into the upper layer of a node's disk.

    Args:
        upper: root of the layer.
        node: its name, from which serial numbers follow.
        accelerator: kind of the chips, as inventories call it.
        architecture: Debian's name of the node's.
        wheels: folder of the bundle with the libraries that the plugin needs.

    Raises:
        AmalgamError: the bundle lacks a library.
    """
    folder = upper / FOLDER
    folder.mkdir(parents=True)
    lab_wheels.unpack(wheels, _LIBRARIES, architecture, folder)
    shutil.copytree(_ON_NODE, folder / _PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    _program(upper / "usr/local/bin/simulated-chips", _PACKAGE)
    for tool, module in _TOOLS[accelerator].items():
        _program(upper / "usr/local/bin" / tool, f"{_PACKAGE}.{module}")
    description = json.dumps(describe(node, accelerator), indent=1)
    _write(upper / "etc/simulated-chips/machine.json", f"{description}\n")
    enable(upper, "simulated-chips", _UNIT)


def describe(node: str, accelerator: str) -> dict[str, Any]:
    """The chips of a node, in the form that its programs read."""
    kind = kind_of(accelerator)
    return {
        "accelerator": accelerator,
        "resource": kind.resource,
        **_MODELS[accelerator],
        "chips": list(_chips(node, accelerator)),
        "rings": [list(ring) for ring in kind.products[0].rings],
    }


def _chips(node: str, accelerator: str) -> Iterator[dict[str, Any]]:
    name = kind_of(accelerator).resource.rpartition("/")[2]
    for index, bus in zip(range(CHIPS), _BUSES[accelerator], strict=True):
        serial = f"GPU-{uuid.uuid5(uuid.NAMESPACE_DNS, f'{index}.{node}.simulated')}"
        nvidia = accelerator == "nvidia"
        yield {
            "index": index,
            "device": serial if nvidia else f"{name}-{index}",
            "visible_as": serial if nvidia else str(index),
            "pci_address": f"0000:{bus}:00.0",
            "uuid": serial if nvidia else "",
        }


def _program(path: Path, module: str) -> None:
    _write(path, _PROGRAM.format(module=module))
    path.chmod(0o755)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
