"""Which datasets and versions a bucket has.

A version is published in the moment its manifest is there. Its manifest is the object that was put *first* at its key:
what a member puts over it later is not read. A mark of deletion over a manifest means that the version is gone for
good, and its number is not used again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from amalgam.datasets.bucket import Bucket, Entry, History
from amalgam.datasets.failures import GoneError
from amalgam.datasets.layout import (
    DATASETS,
    dataset_key,
    dataset_of,
    draft_of,
    folder_key,
    manifest_key,
    require_dataset_name,
    version_of,
)
from amalgam.datasets.manifest import (
    DamagedError,
    Description,
    Draft,
    Manifest,
    now,
    read_description,
    read_draft,
    read_manifest,
)
from amalgam.datasets.parts import etag
from amalgam.datasets.workers import each
from amalgam.errors import AmalgamError


@dataclass(frozen=True)
class Published:
    """A version that readers see."""

    manifest: Manifest
    digest: str
    """SHA-256 of the manifest: who notes it knows later that the version is the same, whoever had the bucket."""


@dataclass(frozen=True)
class Damaged:
    """A version whose manifest cannot be read."""

    number: int
    reason: str


class Catalog:
    """The datasets in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        """Look into ``bucket`` at every question anew."""
        self.bucket = bucket

    def datasets(self) -> list[Description]:
        """Every dataset, by name."""
        found = []
        for key, history in sorted(self.bucket.histories(DATASETS).items()):
            name = dataset_of(key)
            if name is not None and history.current:
                found.append(self._description(name, history))
        return found

    def create(self, name: str, *, creator: str, comment: str = "") -> Description:
        """A new dataset without versions.

        Raises:
            AmalgamError: there is one of this name.
        """
        key = dataset_key(require_dataset_name(name))
        if self.bucket.history(key).current:
            raise AmalgamError(
                "there is such a dataset already", where=name, remedy="upload a version of it, or choose another name"
            )
        made = Description(dataset=name, created=now(), creator=creator, comment=comment)
        self.bucket.put(key, made.model_dump_json().encode())
        return made

    def require(self, name: str) -> None:
        """Go on only if there is such a dataset.

        Raises:
            AmalgamError: there is none; it names those there are.
        """
        if self.bucket.history(dataset_key(require_dataset_name(name))).current is None:
            known = ", ".join(one.dataset for one in self.datasets()) or "none yet"
            raise AmalgamError(
                f"there is no such dataset of the VC {self.bucket.vc}; there are: {known}",
                where=name,
                remedy=f"amalgam dataset create {name}",
            )

    def histories(self, name: str) -> dict[int, History]:
        """What lies at the key of each version's manifest, by number; deleted versions are among them."""
        found = self.bucket.histories(f"{folder_key(name)}versions/")
        return {place[1]: history for key, history in found.items() if (place := version_of(key))}

    def versions(self, name: str) -> list[Published | Damaged]:
        """Every version that is published, oldest first.

        Raises:
            AmalgamError: there is no such dataset.
        """
        self.require(name)
        firsts = {number: history.first for number, history in self.histories(name).items()}
        there = sorted((number, entry) for number, entry in firsts.items() if entry)

        def look(one: tuple[int, Entry]) -> Published | Damaged:
            try:
                return self._published(name, *one)
            except DamagedError as error:
                return Damaged(one[0], error.what)

        return each(look, there)

    def version(self, name: str, number: int | None = None) -> Published:
        """One version, by default the newest.

        Raises:
            AmalgamError: there is none, or its manifest is damaged.
        """
        self.require(name)
        histories = self.histories(name)
        firsts = {one: history.first for one, history in histories.items() if history.first}
        if number is None and not firsts:
            remedy = f"amalgam dataset upload {name} FOLDER"
            raise AmalgamError("no version of it is published", where=name, remedy=remedy)
        wanted = number or max(firsts)
        entry = firsts.get(wanted)
        if entry is None:
            state = "was deleted" if wanted in histories else "does not exist"
            there = ", ".join(str(one) for one in sorted(firsts)) or "none"
            where, remedy = f"{name}, version {wanted}", f"amalgam dataset versions {name}"
            raise AmalgamError(f"the version {state}; there are: {there}", where=where, remedy=remedy)
        return self._published(name, wanted, entry)

    def drafts(self, name: str) -> list[Draft]:
        """The drafts of uploads to a dataset that can be read; those of published versions may be among them."""

        def look(entry: Entry) -> Draft | None:
            place = draft_of(entry.key)
            try:
                return read_draft(self.bucket.read(entry), *place) if place else None
            except (DamagedError, GoneError):
                return None

        histories = self.bucket.histories(f"{folder_key(name)}uploads/").values()
        found = each(look, [history.first for history in histories if history.first])
        return [draft for draft in found if draft]

    def publish(self, draft: Manifest) -> Published:
        """Publish ``draft`` under the first number, from its own on, that nobody has taken; returns what readers see.

        Of two who put a manifest at one key the first has the number, and both find out by asking the store.
        """
        for number in range(draft.version, draft.version + 1000):
            manifest = draft.model_copy(update={"version": number})
            content = manifest.model_dump_json().encode()
            key = manifest_key(manifest.dataset, number)
            self.bucket.put(key, content)
            first = self.bucket.history(key).first
            # A put whose answer was lost is repeated: what counts is the content, which no other upload has.
            if first and first.etag == etag([hashlib.md5(content, usedforsecurity=False).digest()]):
                return Published(manifest, hashlib.sha256(content).hexdigest())
        raise AmalgamError("no number for a version is free", where=draft.dataset, remedy="run the same again")

    def _published(self, name: str, number: int, entry: Entry) -> Published:
        content = self.bucket.read(entry)
        return Published(read_manifest(content, name, number), hashlib.sha256(content).hexdigest())

    def _description(self, name: str, history: History) -> Description:
        entry = history.first or history.current
        assert entry is not None  # noqa: S101 - asked for only where there is one
        try:
            return read_description(self.bucket.read(entry), name)
        except DamagedError:
            return Description(dataset=name, created=now(), creator="", comment="(its description is damaged)")
