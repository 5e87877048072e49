"""What is to become different in a tree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Folder(NamedTuple):
    """A folder to create (nothing was found), or to correct."""

    path: str
    target: Path
    mode: int
    owner: str
    found: os.stat_result | None = None


class Change(NamedTuple):
    """One file that is to become different."""

    path: str
    target: Path
    content: bytes
    mode: int
    owner: str
    validate: str | None
    found: os.stat_result | None
    content_differs: bool


class Link(NamedTuple):
    """One symbolic link that is to become different."""

    path: str
    target: Path
    to: str
    found: os.stat_result | None
