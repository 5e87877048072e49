"""Names in the object store: accounts, buckets, and keys of objects. They are made and read here and nowhere else."""

from __future__ import annotations

import re
from enum import StrEnum

from amalgam.errors import AmalgamError

OWNER = "datasets"
"""The platform's account: it owns every bucket of datasets, and no VC has its key."""
BLOBS = "blobs/sha256/"
DATASETS = "datasets/"
ANY_MANIFEST = f"{DATASETS}*/versions/*"
"""The manifests of all versions, as a bucket's policy names them."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_VERSION_KEY = re.compile(r"datasets/(?P<dataset>[^/]+)/versions/(?P<number>[1-9][0-9]{0,17})\.json")
_DATASET_KEY = re.compile(r"datasets/(?P<dataset>[^/]+)/dataset\.json")
_DRAFT_KEY = re.compile(r"datasets/(?P<dataset>[^/]+)/uploads/(?P<upload>[0-9a-f]{32})\.json")


class Role(StrEnum):
    """What a key of a VC may do with the VC's datasets."""

    READER = "reader"
    """Read."""
    MEMBER = "member"
    """Read and upload."""
    MANAGER = "manager"
    """Read, upload and delete."""


def bucket_name(vc: str) -> str:
    """The bucket of a VC."""
    return f"{OWNER}-{vc}"


def account(vc: str, role: Role) -> str:
    """The account of a VC in the object store. The role is what follows the last hyphen, so no two VCs share one."""
    return f"{OWNER}-{vc}-{role}"


def require_dataset_name(name: str) -> str:
    """The name as given.

    Raises:
        AmalgamError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise AmalgamError(
            f"{name!r} is no name of a dataset",
            remedy="use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit",
        )
    return name


def blob_key(sha256: str) -> str:
    """Where content of this SHA-256 (hex) lies."""
    return f"{BLOBS}{sha256}"


def folder_key(dataset: str) -> str:
    """What the keys of a dataset begin with."""
    return f"{DATASETS}{dataset}/"


def dataset_key(dataset: str) -> str:
    """What says that there is such a dataset."""
    return f"{folder_key(dataset)}dataset.json"


def manifest_key(dataset: str, number: int) -> str:
    """Where the manifest of a version lies."""
    return f"{folder_key(dataset)}versions/{number}.json"


def draft_key(dataset: str, upload: str) -> str:
    """Where an upload that has begun says what it needs."""
    return f"{folder_key(dataset)}uploads/{upload}.json"


def dataset_of(key: str) -> str | None:
    """The dataset whose description lies at ``key``."""
    match = _DATASET_KEY.fullmatch(key)
    return match["dataset"] if match else None


def version_of(key: str) -> tuple[str, int] | None:
    """Dataset and number of the version whose manifest lies at ``key``."""
    match = _VERSION_KEY.fullmatch(key)
    return (match["dataset"], int(match["number"])) if match else None


def draft_of(key: str) -> tuple[str, str] | None:
    """Dataset and identifier of the upload whose draft lies at ``key``."""
    match = _DRAFT_KEY.fullmatch(key)
    return (match["dataset"], match["upload"]) if match else None
