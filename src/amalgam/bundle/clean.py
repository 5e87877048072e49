"""Keeping the user's cache within bounds."""

from __future__ import annotations

import shutil
from pathlib import Path

from amalgam.bundle.store import Store


def clean_cache(cache: Path, keys: set[str], lock_digest: str) -> int:
    """Remove the Go build cache, what ``keys`` do not name, and bundles of other locks; the number of bytes freed."""
    freed = Store(cache / "made").forget_all_but(keys)
    doomed = [cache / "go" / "build", *(cache / "bundles").glob("*"), *(cache / "bundles").glob(".*.building")]
    for folder in doomed:
        if folder.is_dir() and not folder.name.startswith(lock_digest):
            freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder)
    return freed
