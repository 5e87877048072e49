"""Where the checkout under test and its programs lie."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

PROGRAMS = Path(sys.executable).parent
"""Folder of the virtual environment's programs: the tests run those of their own environment, activated or not."""

SITE = "playbooks/site.yml"


def program(name: str) -> str:
    """Path of a program of the virtual environment."""
    return str(PROGRAMS / name)
