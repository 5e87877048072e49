"""Puts the receiver into a node's disk before it boots, and by no role: it stands for a service outside the site."""

from __future__ import annotations

import shutil
from pathlib import Path

from amalgam.lab.units import enable

PORT = 9095
"""On the loopback interface: the lab's Alertmanager is on the same node."""
UNIT = "lab-dead-man-switch"
FOLDER = "usr/local/lib/lab-dead-man-switch"

_ON_NODE = Path(__file__).parent / "on_node"

_TEXT = f"""\
[Unit]
Description=What this lab's Watchdog calls

[Service]
DynamicUser=yes
Environment=PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/{FOLDER} PORT={PORT}
ExecStart=/usr/bin/python3 -m lab_dead_man_switch
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
"""


def install(upper: Path) -> None:
    """Put the receiver into the upper layer of a node's disk."""
    shutil.copytree(_ON_NODE, upper / FOLDER / "lab_dead_man_switch", ignore=shutil.ignore_patterns("__pycache__"))
    enable(upper, UNIT, _TEXT)
