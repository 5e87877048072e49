"""What lies in the bucket beside content: manifests of versions, drafts of uploads, descriptions of datasets."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from amalgam.errors import AmalgamError

FORMAT: Literal[1] = 1
PARTIAL = ".amalgam-partial"
"""Folder in which a download keeps what it has not finished; no dataset has a file there."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_NAME = 255
_LONGEST_PATH = 900


def path_problem(path: str) -> str:
    """Why ``path`` cannot be that of a file in a dataset, or nothing.

    It is relative, in POSIX form, names a file below the dataset's folder whatever it is joined to, and is printable.
    """
    parts = path.split("/")
    if not path or path.startswith("/"):
        return "is not relative"
    if any(part in ("", ".", "..") for part in parts):
        return "has an empty part, '.' or '..'"
    if parts[0] == PARTIAL:
        return f"lies in {PARTIAL}, where downloads keep what is unfinished"
    if _CONTROL.search(path) or not path.isprintable():
        return "has characters that cannot be printed, or is no UTF-8"
    if any(len(part.encode()) > _LONGEST_NAME for part in parts) or len(path.encode()) > _LONGEST_PATH:
        return f"is longer than {_LONGEST_PATH} bytes, or a part of it than {_LONGEST_NAME}"
    return ""


def _path(value: str) -> str:
    if problem := path_problem(value):
        raise ValueError(f"the path {value!r} {problem}")
    return value


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = FORMAT


Record = TypeVar("Record", bound=_Record)


class DatasetFile(BaseModel):
    """One file of a version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, AfterValidator(_path)]
    size: Annotated[int, Field(ge=0)]
    """Bytes."""
    sha256: Sha256
    object_version: Annotated[str, Field(min_length=1)]
    """Version of the object that holds the content: what is put over it later is another one."""


class Manifest(_Record):
    """A published version: which files it has, and which objects hold them."""

    dataset: str
    version: Annotated[int, Field(ge=1)]
    created: AwareDatetime
    """By the uploader's clock."""
    creator: str
    """As the uploader calls itself; the store vouches only for the account."""
    comment: str = ""
    upload: str
    """The upload that published it."""
    total_bytes: int
    files: tuple[DatasetFile, ...]

    @model_validator(mode="after")
    def _is_one_tree(self) -> Self:
        paths = {file.path for file in self.files}
        if len(paths) != len(self.files):
            raise ValueError("a path is there twice")
        for path in paths:
            parts = path.split("/")
            if any("/".join(parts[:depth]) in paths for depth in range(1, len(parts))):
                raise ValueError(f"{path!r} lies below a file")
        if self.total_bytes != sum(file.size for file in self.files):
            raise ValueError("total_bytes is not the sum of the files' sizes")
        return self

    def content(self) -> dict[str, str]:
        """Path → SHA-256: two versions with the same are the same to whoever reads them."""
        return {file.path: file.sha256 for file in self.files}


class Draft(_Record):
    """An upload that has begun: the content it needs, kept from being deleted until it is published or given up."""

    dataset: str
    upload: str
    creator: str
    blobs: frozenset[Sha256]


class Description(_Record):
    """A dataset, before and beside its versions."""

    dataset: str
    created: AwareDatetime
    creator: str
    comment: str = ""


class DamagedError(AmalgamError):
    """What lies in the store is not what it should be, and never was: objects do not change."""


def read_manifest(content: bytes, dataset: str, number: int) -> Manifest:
    """The manifest of version ``number`` of ``dataset``.

    Raises:
        DamagedError: the content is no such manifest.
        AmalgamError: a later Amalgam wrote it.
    """
    where = f"{dataset}, version {number}"
    manifest = _read(Manifest, content, where)
    if (manifest.dataset, manifest.version) != (dataset, number):
        raise _damaged(f"it is that of {manifest.dataset!r}, version {manifest.version}", where)
    return manifest


def read_draft(content: bytes, dataset: str, upload: str) -> Draft:
    """The draft of an upload to ``dataset``; raises as :func:`read_manifest` does."""
    draft = _read(Draft, content, f"{dataset}, upload {upload}")
    if (draft.dataset, draft.upload) != (dataset, upload):
        raise _damaged("it is that of another upload", f"{dataset}, upload {upload}")
    return draft


def read_description(content: bytes, dataset: str) -> Description:
    """The description of ``dataset``; raises as :func:`read_manifest` does."""
    return _read(Description, content, dataset)


def _read(kind: type[Record], content: bytes, where: str) -> Record:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise _damaged("it is no JSON", where) from None
    form = data.get("format") if isinstance(data, dict) else None
    if isinstance(form, int) and form > FORMAT:
        remedy = "use the Amalgam that wrote it, or a later one"
        raise AmalgamError(f"this is of format {form}, and this Amalgam knows {FORMAT}", where=where, remedy=remedy)
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _damaged(f"{place}: {first['msg']}" if place else first["msg"], where) from None


def _damaged(reason: str, where: str) -> DamagedError:
    remedy = "use another version; a manager can delete this one"
    return DamagedError(f"the manifest is damaged: {reason}", where=where, remedy=remedy)


def now() -> datetime:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
