"""A folder becomes the next version of a dataset: whole, or not at all."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from amalgam.datasets import blobs
from amalgam.datasets.blobs import Sent
from amalgam.datasets.bucket import Bucket
from amalgam.datasets.catalog import Catalog, Published
from amalgam.datasets.layout import draft_key
from amalgam.datasets.local import LocalFile, read_tree, require_unchanged
from amalgam.datasets.manifest import DamagedError, DatasetFile, Draft, Manifest, now
from amalgam.datasets.parts import SMALLEST_PART
from amalgam.datasets.progress import Progress, Quiet
from amalgam.datasets.workers import each
from amalgam.errors import AmalgamError


@dataclass(frozen=True)
class Uploaded:
    """What came of an upload."""

    published: Published
    new: bool
    """Whether this upload made the version; an equal one was there before otherwise."""
    sent_bytes: int
    """Bytes that were not in the store yet."""


def upload(
    bucket: Bucket, name: str, source: Path, *, creator: str, comment: str = "", progress: Progress | None = None
) -> Uploaded:
    """Publish the folder or file ``source`` as the next version of the dataset ``name``.

    Started again after whatever cut it off, it sends only what has not arrived. Where the newest version holds the same
    files already, that is the result.

    Raises:
        AmalgamError: nothing was published then; what has arrived is kept for the next attempt.
    """
    catalog, watch = Catalog(bucket), progress or Quiet()
    catalog.require(name)
    files = read_tree(source, watch)
    if (same := _same_version(catalog, name, {file.path: file.sha256 for file in files})) is not None:
        return Uploaded(same, new=False, sent_bytes=0)
    draft = _announce(bucket, name, creator, frozenset(file.sha256 for file in files))
    content = _send_all(bucket, files, watch)
    for file in files:
        require_unchanged(file)
    _require_draft(bucket, draft)
    published = catalog.publish(
        Manifest(
            dataset=name,
            version=max(catalog.histories(name), default=0) + 1,
            created=now(),
            creator=creator,
            comment=comment,
            upload=draft.upload,
            total_bytes=sum(file.size for file in files),
            files=tuple(_entry(file, content[file.sha256].version) for file in files),
        )
    )
    _require_draft(bucket, draft, published)
    return Uploaded(published, new=True, sent_bytes=sum(one.size for one in content.values()))


def _entry(file: LocalFile, version: str) -> DatasetFile:
    return DatasetFile(path=file.path, size=file.size, sha256=file.sha256, object_version=version)


def _same_version(catalog: Catalog, name: str, content: dict[str, str]) -> Published | None:
    """The newest version, if it holds just this content."""
    there = [number for number, history in catalog.histories(name).items() if history.first]
    if not there:
        return None
    try:
        newest = catalog.version(name, max(there))
    except DamagedError:
        return None
    return newest if newest.manifest.content() == content else None


def _announce(bucket: Bucket, name: str, creator: str, needed: frozenset[str]) -> Draft:
    """Say in the store what this upload needs, before looking what of it is there: deletions then keep off.

    A draft of the same content that was left behind is taken over.
    """
    for left in Catalog(bucket).drafts(name):
        if left.blobs == needed:
            return left
    draft = Draft(dataset=name, upload=secrets.token_hex(16), creator=creator, blobs=needed)
    bucket.put(draft_key(name, draft.upload), draft.model_dump_json().encode())
    return draft


def _require_draft(bucket: Bucket, draft: Draft, published: Published | None = None) -> None:
    """Go on only if the draft kept deletions off all the time."""
    if bucket.exists(draft_key(draft.dataset, draft.upload)):
        return
    if published is None:
        raise AmalgamError(
            "a manager dropped this unfinished upload; nothing was published",
            where=draft.dataset,
            remedy="run the same again",
        )
    number = published.manifest.version
    raise AmalgamError(
        f"a manager dropped this upload in the moment it was published: version {number} may lack files",
        where=draft.dataset,
        remedy=f"amalgam dataset verify {draft.dataset} --version {number}; if it does, have it deleted and run again",
    )


def _send_all(bucket: Bucket, files: list[LocalFile], progress: Progress) -> dict[str, Sent]:
    """SHA-256 → where the content lies, for all of it, and how much of it had to be sent."""
    distinct = list({file.sha256: file for file in files}.values())
    found = each(lambda file: blobs.find(bucket, file.sha256, file.size, file.etag), distinct)
    there = {file.sha256: Sent(version, 0) for file, version in zip(distinct, found, strict=True) if version}
    lacking = [file for file in distinct if file.sha256 not in there]
    progress.phase("sending", sum(file.size for file in lacking))
    # Small files go side by side; a large one has the connections to itself, for its parts.
    small = [file for file in lacking if file.size <= SMALLEST_PART]
    sent = each(lambda file: blobs.send(bucket, file, progress), small)
    there |= {file.sha256: one for file, one in zip(small, sent, strict=True)}
    large = [file for file in lacking if file.size > SMALLEST_PART]
    return there | {file.sha256: blobs.send(bucket, file, progress) for file in large}
