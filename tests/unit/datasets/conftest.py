"""A bucket in memory, for tests of what happens on this side of it; the real one is met in tests/e2e."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import cast

import pytest

from amalgam.datasets.bucket import Bucket, Entry, History
from amalgam.datasets.catalog import Catalog
from amalgam.datasets.failures import GoneError
from amalgam.datasets.layout import version_of
from amalgam.datasets.parts import Part, etag


class BucketInMemory:
    """Keeps every version of an object, as the store does."""

    vc = "vision"

    def __init__(self) -> None:
        self.content: dict[tuple[str, str], bytes] = {}
        self._entries: dict[str, list[tuple[Entry, bool]]] = {}
        self._numbers = count(1)
        self.parts: dict[tuple[str, str], dict[int, bytes]] = {}
        """Of each key and upload, what has arrived."""

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

    def put(self, key: str, content: bytes, pieces: Sequence[bytes] = ()) -> str:
        version = f"v{next(self._numbers)}"
        self.content[key, version] = content
        md5s = [hashlib.md5(piece, usedforsecurity=False).digest() for piece in pieces or (content,)]
        entry = Entry(key, version, True, len(content), etag(md5s))
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

    def begin(self, key: str) -> str:
        upload = f"u{next(self._numbers)}"
        self.parts[key, upload] = {}
        return upload

    def begun(self, prefix: str) -> list[tuple[str, str]]:
        return [one for one in self.parts if one[0].startswith(prefix)]

    def stored_parts(self, key: str, upload: str) -> dict[int, tuple[str, int]]:
        arrived = self.parts.get((key, upload), {})
        return {
            number: (hashlib.md5(content, usedforsecurity=False).hexdigest(), len(content))
            for number, content in arrived.items()
        }

    def put_part(self, key: str, upload: str, part: Part, content: bytes) -> None:
        self.parts[key, upload][part.number] = content

    def finish(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        arrived = self.parts.pop((key, upload))
        pieces = [arrived[part.number] for part in parts]
        return self.put(key, b"".join(pieces), pieces)


@pytest.fixture
def memory() -> BucketInMemory:
    return BucketInMemory()


@pytest.fixture
def bucket(memory: BucketInMemory) -> Bucket:
    """The same, for what wants a bucket; it has the dataset ``images``."""
    bucket = cast(Bucket, memory)
    Catalog(bucket).create("images", creator="test")
    return bucket
