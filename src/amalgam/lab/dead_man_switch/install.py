"""Puts the receiver into a node's disk before it boots, and by no role: it stands for a service outside the site."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from amalgam.lab.state import write_atomically
from amalgam.lab.units import enable

PORT = 9095
"""On the loopback interface: the lab's Alertmanager is on the same node."""
UNIT = "lab-dead-man-switch"
FOLDER = "usr/local/lib/lab-dead-man-switch"
URL_FILE = "watchdog_url"

_ON_NODE = Path(__file__).parent / "on_node"

_PATH = "etc/lab-dead-man-switch/path"

_TEXT = f"""\
[Unit]
Description=What this lab's Watchdog calls

[Service]
DynamicUser=yes
Environment=PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/{FOLDER} PORT={PORT}
LoadCredential=path:/{_PATH}
ExecStart=/usr/bin/python3 -m lab_dead_man_switch
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
"""


def install(upper: Path, *, keep: Path) -> None:
    """Put the receiver into the upper layer of a node's disk.

    Args:
        upper: root of the layer.
        keep: folder of the lab where its URL is kept, which nobody guesses.
    """
    path = f"/{secrets.token_urlsafe(32)}"
    shutil.copytree(_ON_NODE, upper / FOLDER / "lab_dead_man_switch", ignore=shutil.ignore_patterns("__pycache__"))
    write_atomically(upper / _PATH, path, 0o600)
    write_atomically(keep / URL_FILE, f"http://127.0.0.1:{PORT}{path}", 0o600)
    enable(upper, UNIT, _TEXT)
