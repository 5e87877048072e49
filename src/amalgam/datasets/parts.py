"""How content is cut into parts, and what the object store calls it by (its ETag): pure arithmetic.

A multipart object's ETag is the MD5 of its parts' MD5s, a dash, and their number. The cut follows from the size alone,
so whoever has the content knows the ETag, and with it whether an object in the store is that content, without reading.
MD5 is not collision-resistant, but another content for a *given* file's parts would take a second preimage.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html (limits),
https://docs.ceph.com/en/pacific/radosgw/s3/objectops/ (multipart)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

MIB = 1 << 20
SMALLEST_PART = 16 * MIB
"""Bytes: also the largest content that goes in one piece, and what the gateway takes before it writes any of it."""
MOST_PARTS = 10_000


@dataclass(frozen=True)
class Part:
    """One part of a content."""

    number: int
    """Counted from 1."""
    offset: int
    size: int
    md5: bytes


def part_size(size: int) -> int:
    """Bytes of each part but the last, of a content of ``size`` bytes: whole MiB."""
    needed = -(-size // MOST_PARTS)
    return max(SMALLEST_PART, -(-needed // MIB) * MIB)


def part_lengths(size: int) -> Iterator[int]:
    """Bytes of each part in its order; one empty part for an empty content."""
    step = part_size(size)
    yield from (min(step, size - offset) for offset in range(0, max(size, 1), step))


def parts_of(size: int, md5s: Sequence[bytes]) -> list[Part]:
    """The parts of a content of ``size`` bytes whose parts have these MD5 digests."""
    step = part_size(size)
    lengths = list(part_lengths(size))
    return [
        Part(index + 1, index * step, length, md5)
        for index, (length, md5) in enumerate(zip(lengths, md5s, strict=True))
    ]


def etag(md5s: Sequence[bytes]) -> str:
    """The ETag of a content whose parts have these MD5 digests."""
    if len(md5s) == 1:
        return md5s[0].hex()
    whole = hashlib.md5(b"".join(md5s), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(md5s)}"


def missing(parts: Sequence[Part], stored: Mapping[int, tuple[str, int]]) -> list[Part]:
    """The parts that are not among ``stored``: number → (ETag, bytes), as the store lists them."""
    return [part for part in parts if stored.get(part.number) != (part.md5.hex(), part.size)]
