"""Versions go, and with them the content that no other version has; what an upload needs at that moment stays.

The order of steps is what makes that safe, see docs/adr/0011-a-dataset-is-a-manifest-of-content-addressed-objects.md:
an upload says what it needs and then looks what is there; a deletion marks what it is about to remove and then looks
what is needed. Whichever comes second sees the other. A deletion that was cut off is finished by the next, of whatever.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from amalgam.datasets.bucket import Bucket, Entry, History
from amalgam.datasets.catalog import Catalog
from amalgam.datasets.failures import GoneError
from amalgam.datasets.layout import (
    BLOBS,
    DATASETS,
    blob_key,
    dataset_key,
    dataset_of,
    draft_of,
    folder_key,
    manifest_key,
    version_of,
)
from amalgam.datasets.manifest import DamagedError, Manifest, read_draft, read_manifest
from amalgam.datasets.workers import each
from amalgam.errors import AmalgamError


@dataclass(frozen=True)
class Freed:
    """What a deletion removed."""

    versions: int
    """Versions of datasets."""
    size: int
    """Bytes of content."""


def delete_version(bucket: Bucket, name: str, number: int) -> Freed:
    """Delete one version for good. One whose deletion was cut off is deleted to the end.

    Raises:
        AmalgamError: there is no such version, or the key is no manager's.
    """
    history = Catalog(bucket).histories(name).get(number)
    if history is None:
        remedy = f"amalgam dataset versions {name}"
        raise AmalgamError("there is no such version", where=f"{name}, version {number}", remedy=remedy)
    if not history.marks:
        bucket.mark_deleted(manifest_key(name, number))
    return Freed(0 if history.marks else 1, _sweep(bucket))


def delete_dataset(bucket: Bucket, name: str) -> Freed:
    """Delete a dataset with all its versions, and the uploads to it that are not published.

    Raises:
        AmalgamError: there is nothing of this name, or the key is no manager's.
    """
    if not bucket.histories(folder_key(name)):
        raise AmalgamError("there is no such dataset", where=name, remedy="amalgam dataset list")
    if bucket.exists(dataset_key(name)):
        bucket.mark_deleted(dataset_key(name))
    versions = [number for number, history in Catalog(bucket).histories(name).items() if not history.marks]
    each(lambda number: bucket.mark_deleted(manifest_key(name, number)), versions)
    return Freed(len(versions), _sweep(bucket, dropped=name))


def drop_unfinished(bucket: Bucket, name: str) -> Freed:
    """Give up the uploads to a dataset that are not published: what they have sent is removed.

    One that still runs ends with an error, and publishes nothing.

    Raises:
        AmalgamError: there is no such dataset, or the key is no manager's.
    """
    Catalog(bucket).require(name)
    return Freed(0, _sweep(bucket, dropped=name))


@dataclass
class _Needs:
    """What manifests and drafts say at one moment."""

    published: set[tuple[str, str]] = field(default_factory=set)
    """Key and version of the objects that versions consist of."""
    drafted: set[str] = field(default_factory=set)
    """Keys that uploads need: whatever lies there."""
    over: list[Entry] = field(default_factory=list)
    """Drafts of uploads that are published or given up."""
    past: list[Entry] = field(default_factory=list)
    """Descriptions of datasets that were deleted."""

    def has(self, entry: Entry) -> bool:
        """Whether somebody needs this object."""
        return entry.key in self.drafted or (entry.key, entry.version) in self.published


def _sweep(bucket: Bucket, dropped: str = "") -> int:
    """Remove what nobody needs, and the drafts of the dataset ``dropped``; returns how many bytes of content went."""
    manifests: dict[Entry, Manifest | None] = {}
    before = _needs(bucket, manifests, lambda draft, uploads: draft[0] == dropped or draft[1] in uploads)
    # First of all: an upload that lost its draft notices, and one that has not got that far is not missed below.
    _remove(bucket, before.over)
    content = bucket.histories(BLOBS)
    begun = bucket.begun(BLOBS)
    doomed = [entry for history in content.values() for entry in history.objects if not before.has(entry)]
    marks = each(lambda key: (key, _own_mark(bucket, key)), sorted({entry.key for entry in doomed}))
    # From here on every draft counts that is there: its upload may still publish.
    after = _needs(bucket, manifests, lambda *_: False)
    gone = [entry for entry in doomed if not after.has(entry)]
    _remove(bucket, gone)
    abandoned = [one for one in begun if one[0] not in after.drafted]
    parts = [size for one in abandoned for _, size in bucket.stored_parts(*one).values()]
    each(lambda one: bucket.give_up(*one), abandoned)
    each(lambda mark: bucket.remove(*mark), marks)
    _remove(bucket, _bare_marks(content, set(gone)))
    _remove(bucket, before.past)
    return sum(entry.size for entry in gone) + sum(parts)


def _own_mark(bucket: Bucket, key: str) -> str:
    """Mark a key, also where another deletion's mark is on top: that one may be gone in a moment."""
    mark = bucket.mark_deleted(key)
    while not mark:
        # No file has this key and these bytes.
        cover = bucket.put(key, secrets.token_bytes(16))
        mark = bucket.mark_deleted(key)
        bucket.remove(key, cover)
    return mark


def _bare_marks(content: dict[str, History], gone: set[Entry]) -> list[Entry]:
    """Marks of deletions that were cut off, where nothing lies below them any more."""
    return [mark for history in content.values() if set(history.objects) <= gone for mark in history.marks]


def _remove(bucket: Bucket, entries: Iterable[Entry]) -> None:
    each(lambda entry: bucket.remove(entry.key, entry.version), entries)


def _needs(
    bucket: Bucket, manifests: dict[Entry, Manifest | None], is_over: Callable[[tuple[str, str], set[str]], bool]
) -> _Needs:
    """Read every record of the bucket; manifests never change, so those in ``manifests`` are not read again.

    Those of deleted versions stay for ever, as no key removes a manifest, and are read only while there are drafts that
    may be theirs. ``is_over`` is asked for each draft, by dataset and upload, and gets the uploads that have published.
    """
    histories, needs = bucket.histories(DATASETS), _Needs()
    uploads: set[str] = set()
    unfinished = {draft[0] for key in histories if (draft := draft_of(key))}
    firsts = {
        key: history.objects[-1]
        for key, history in histories.items()
        if (place := version_of(key)) and history.objects and (not history.marks or place[0] in unfinished)
    }
    unread = [entry for entry in firsts.values() if entry not in manifests]
    manifests |= dict(zip(unread, each(lambda entry: _manifest(bucket, entry), unread), strict=True))
    for key, entry in firsts.items():
        manifest = manifests[entry]
        if manifest:
            uploads.add(manifest.upload)
            if not histories[key].marks:
                needs.published |= {(blob_key(file.sha256), file.object_version) for file in manifest.files}
    for key, history in histories.items():
        draft = draft_of(key)
        if draft and is_over(draft, uploads):
            needs.over += [*history.objects, *history.marks]
        elif draft and history.objects:
            needs.drafted |= {blob_key(sha256) for sha256 in _drafted(bucket, history.objects[-1])}
        elif dataset_of(key) and not history.current:
            needs.past += history.objects
    return needs


def _manifest(bucket: Bucket, entry: Entry) -> Manifest | None:
    """A manifest; nothing where it is damaged: then nobody can read the version either.

    Raises:
        AmalgamError: a later Amalgam wrote it, and only that knows what it needs.
    """
    place = version_of(entry.key)
    assert place is not None  # noqa: S101 - asked for only where it is one
    try:
        return read_manifest(bucket.read(entry), *place)
    except (DamagedError, GoneError):
        return None


def _drafted(bucket: Bucket, entry: Entry) -> frozenset[str]:
    place = draft_of(entry.key)
    assert place is not None  # noqa: S101 - asked for only where it is one
    try:
        return read_draft(bucket.read(entry), *place).blobs
    except (DamagedError, GoneError):
        return frozenset()
