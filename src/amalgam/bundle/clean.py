"""Keeping the user's cache within bounds."""

from __future__ import annotations

import shutil
from pathlib import Path

from amalgam.bundle.store import Store

# About what one architecture of one lock compiles to, twice: room for the next version beside the present one.
GO_BUILD_CACHE_BYTES = 12 << 30


def clean_cache(cache: Path, keys: set[str], lock_digest: str) -> int:
    """Remove the Go build cache, what ``keys`` do not name, and bundles of other locks; the number of bytes freed."""
    freed = Store(cache / "made").forget_all_but(keys)
    doomed = [cache / "go" / "build", *(cache / "bundles").glob("*"), *(cache / "bundles").glob(".*.building")]
    for folder in doomed:
        if folder.is_dir() and not folder.name.startswith(lock_digest):
            freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder)
    return freed


def trim_go_cache(cache: Path, limit: int = GO_BUILD_CACHE_BYTES) -> int:
    """Remove the least recently used of Go's build cache until it holds ``limit`` bytes; the number of bytes freed.

    Go marks entries as used by their time, and takes one that is gone as not built yet.
    """
    found = [(path, path.stat()) for path in (cache / "go" / "build").glob("??/*")]
    excess = sum(status.st_size for _, status in found) - limit
    freed = 0
    for path, status in sorted(found, key=lambda entry: entry[1].st_mtime):
        if freed >= excess:
            break
        path.unlink()
        freed += status.st_size
    return freed
