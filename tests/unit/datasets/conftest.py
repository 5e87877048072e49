"""A bucket in memory, for tests of what happens on this side of it; the real one is met in tests/e2e."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import cast

import pytest

from amalgam.datasets.bucket import Bucket, Entry, History
from amalgam.datasets.catalog import Catalog
from amalgam.datasets.failures import GoneError
from amalgam.datasets.layout import version_of
from amalgam.datasets.parts import etag


class BucketInMemory:
    """Keeps every version of an object, as the store does; objects in parts are not among what it can."""

    vc = "vision"

    def __init__(self) -> None:
        self.content: dict[tuple[str, str], bytes] = {}
        self._entries: dict[str, list[tuple[Entry, bool]]] = {}
        self._numbers = count(1)

    def histories(self, prefix: str) -> dict[str, History]:
        found = {}
        for key, entries in self._entries.items():
            if key.startswith(prefix) and entries:
                newest_first = [
                    (replace(entry, newest=place == 0), mark) for place, (entry, mark) in enumerate(reversed(entries))
                ]
                found[key] = History(
                    tuple(entry for entry, mark in newest_first if not mark),
                    tuple(entry for entry, mark in newest_first if mark),
                )
        return found

    def history(self, key: str) -> History:
        return self.histories(key).get(key, History())

    def put(self, key: str, content: bytes) -> str:
        version = f"v{next(self._numbers)}"
        self.content[key, version] = content
        entry = Entry(key, version, True, len(content), etag([hashlib.md5(content, usedforsecurity=False).digest()]))
        self._entries.setdefault(key, []).append((entry, False))
        return version

    def read(self, entry: Entry) -> bytes:
        return b"".join(self.stream(entry.key, entry.version))

    def stream(self, key: str, version: str, start: int = 0) -> Iterator[bytes]:
        if (key, version) not in self.content:
            raise GoneError("gone", where=key)
        yield self.content[key, version][start:]

    def exists(self, key: str) -> bool:
        return self.history(key).current is not None

    def mark_deleted(self, key: str) -> str:
        if self._entries.get(key) and self._entries[key][-1][1]:
            return ""
        version = f"v{next(self._numbers)}"
        self._entries.setdefault(key, []).append((Entry(key, version, True), True))
        return version

    def remove(self, key: str, version: str) -> None:
        assert version_of(key) is None, f"the bucket's policy lets nobody remove {key}"
        self._entries[key] = [one for one in self._entries.get(key, []) if one[0].version != version]
        self.content.pop((key, version), None)

    def begun(self, _prefix: str) -> list[tuple[str, str]]:
        return []


@pytest.fixture
def memory() -> BucketInMemory:
    return BucketInMemory()


@pytest.fixture
def bucket(memory: BucketInMemory) -> Bucket:
    """The same, for what wants a bucket; it has the dataset ``images``."""
    bucket = cast(Bucket, memory)
    Catalog(bucket).create("images", creator="test")
    return bucket
