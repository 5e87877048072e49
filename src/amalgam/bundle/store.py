"""The cache of things made: each under a key of all that went into it, with its digest beside it.

A key is computed without making anything, so a warm build reads only what the bundle holds in the end.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WORK = ".making-"


def key_of(*parts: object) -> str:
    """A key for what is made from ``parts`` (plain data): the same parts give the same key."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class Made:
    """A file in the store. ``facts``: what its maker recorded about it, JSON data."""

    path: Path
    sha256: str
    size: int
    facts: dict[str, Any]


@dataclass(frozen=True)
class Store:
    """Files by key under ``folder``."""

    folder: Path

    def get(self, key: str) -> Made | None:
        """What was made under ``key``; its bytes are not read, see :meth:`intact`."""
        place = self.folder / key[:2] / key
        try:
            record = json.loads((place / "record.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        path = place / "data"
        if not path.is_file() or path.stat().st_size != record["size"]:
            return None
        return Made(path, record["sha256"], record["size"], record["facts"])

    def make(self, key: str, maker: Callable[[Path], dict[str, Any]]) -> Made:
        """What stands under ``key``, else what ``maker`` writes to the path it is given; it returns the facts.

        An interrupted or failed maker leaves nothing behind.
        """
        known = self.get(key)
        if known and self.intact(known):
            return known
        place = self.folder / key[:2] / key
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=place.parent, prefix=_WORK))
        try:
            data = work / "data"
            facts = maker(data)
            sha256, size = file_sha256(data), data.stat().st_size
            (work / "record.json").write_text(json.dumps({"sha256": sha256, "size": size, "facts": facts}))
            shutil.rmtree(place, ignore_errors=True)
            work.rename(place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return Made(place / "data", sha256, size, facts)

    def intact(self, made: Made) -> bool:
        """Whether the bytes are still those that were made."""
        return file_sha256(made.path) == made.sha256

    def sweep(self) -> None:
        """Remove what makers that were killed left behind; only for who is alone on the store."""
        for work in self.folder.glob(f"*/{_WORK}*"):
            shutil.rmtree(work)

    def forget_all_but(self, keys: set[str]) -> int:
        """Remove what no key of ``keys`` names; the number of bytes freed."""
        freed = 0
        for record in self.folder.glob("*/*/record.json"):
            if record.parent.name not in keys:
                freed += sum(path.stat().st_size for path in record.parent.iterdir())
                shutil.rmtree(record.parent)
        return freed
