"""Content in the store, by its SHA-256: found where it is there already, and sent where it is not, part by part.

What has arrived is known to the store alone: an upload that was cut off goes on from any process and any machine.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from amalgam.datasets.bucket import Bucket
from amalgam.datasets.layout import blob_key
from amalgam.datasets.local import LocalFile, changed
from amalgam.datasets.parts import Part, missing
from amalgam.datasets.progress import Progress
from amalgam.datasets.workers import each
from amalgam.errors import AmalgamError


@dataclass(frozen=True)
class Sent:
    """Content that is in the store now."""

    version: str
    """Of the object that holds it."""
    size: int
    """Bytes that had to be sent."""


def find(bucket: Bucket, sha256: str, size: int, etag: str) -> str | None:
    """The version of an object that holds this content, if one does and nobody is about to delete it.

    The key alone proves nothing: any member may put anything there. The store's own ETag does, see
    :mod:`amalgam.datasets.parts`.
    """
    history = bucket.history(blob_key(sha256))
    # Whatever lies below a mark may be gone in a moment; which objects do, only the one on top tells.
    safe = [history.current] if history.marks else history.objects
    return next((one.version for one in safe if one and (one.size, one.etag) == (size, etag)), None)


def send(bucket: Bucket, file: LocalFile, progress: Progress) -> Sent:
    """Send what the store does not have yet of a file.

    Raises:
        AmalgamError: the file changed meanwhile, or the store refuses, is full or does not answer.
    """
    key, parts = blob_key(file.sha256), file.parts
    if len(parts) == 1:
        version = bucket.put(key, _content(file, parts[0]))
        progress.advance(file.size)
        return Sent(version, file.size)
    upload, left = begin(bucket, file)
    rest = sum(part.size for part in left)
    progress.advance(file.size - rest)

    def send_part(part: Part) -> None:
        bucket.put_part(key, upload, part, _content(file, part))
        progress.advance(part.size)

    each(send_part, left)
    return Sent(bucket.finish(key, upload, parts) or _finished_by_another(bucket, file), rest)


def begin(bucket: Bucket, file: LocalFile) -> tuple[str, list[Part]]:
    """The upload of a file in parts (the one that is furthest, where some were begun), and the parts it lacks."""
    key = blob_key(file.sha256)
    begun = [upload for found, upload in bucket.begun(key) if found == key]
    states = [(upload, missing(file.parts, bucket.stored_parts(key, upload))) for upload in begun]
    return min(states, key=lambda state: len(state[1])) if states else (bucket.begin(key), file.parts)


def _content(file: LocalFile, part: Part) -> bytes:
    """The bytes of a part, which are those that were there when the checksums were made."""
    try:
        handle = os.open(file.file, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            content = os.pread(handle, part.size, part.offset)
        finally:
            os.close(handle)
    except OSError:
        raise changed(file) from None
    if hashlib.md5(content, usedforsecurity=False).digest() != part.md5:
        raise changed(file)
    return content


def _finished_by_another(bucket: Bucket, file: LocalFile) -> str:
    """The version of the object that somebody made of the same parts."""
    for one in bucket.history(blob_key(file.sha256)).objects:
        if (one.size, one.etag) == (file.size, file.etag):
            return one.version
    raise AmalgamError(
        "what was sent is not in the store: somebody ended the upload",
        where=str(file.file),
        remedy="run the same again",
    )
