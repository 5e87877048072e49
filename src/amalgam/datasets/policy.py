"""Who may do what in the buckets of datasets: accounts, rights and quotas as the object store takes them.

Rights are given twice over, so that one mistake opens nothing: an account's operation mask says whether it may write
and delete at all, a bucket's policy says what it may do there. https://docs.ceph.com/en/pacific/radosgw/bucketpolicy/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amalgam.ceph_keys import s3_access_key, s3_secret_key
from amalgam.datasets.layout import ANY_MANIFEST, BLOBS, DATASETS, OWNER, Role, account, bucket_name
from amalgam.models.datasets import VcDatasets

_READ_BUCKET = ["s3:ListBucket", "s3:ListBucketVersions"]
_READ = ["s3:GetObject", "s3:GetObjectVersion"]
_UPLOAD_BUCKET = ["s3:ListBucketMultipartUploads"]
_UPLOAD = ["s3:PutObject", "s3:ListMultipartUploadParts"]
_DELETE = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"]
_MASKS = {Role.READER: "read", Role.MEMBER: "read, write", Role.MANAGER: "read, write, delete"}
_NO_BUCKETS, _ANY_BUCKETS = -1, 0


@dataclass(frozen=True)
class Account:
    """An account of the object store."""

    name: str
    access_key: str
    secret_key: str
    operations: str
    """Its operation mask."""
    max_buckets: int
    """How many buckets it may make: 0 for any number, negative for none."""


@dataclass(frozen=True)
class BucketPlan:
    """A bucket and what holds for it."""

    name: str
    quota_bytes: int
    policy: dict[str, Any]


def owner_account(secret: str) -> Account:
    """The account that owns the buckets; its keys follow from the site's ``secret`` (base64)."""
    keys = s3_access_key(secret, OWNER), s3_secret_key(secret, OWNER)
    return Account(OWNER, *keys, _MASKS[Role.MANAGER], _ANY_BUCKETS)


def accounts(vcs: Sequence[VcDatasets], secret: str) -> list[Account]:
    """The accounts of the VCs, one for each role; their keys follow from the site's ``secret`` (base64)."""
    return [vc_account(vc, role, secret) for vc in vcs for role in Role]


def vc_account(vc: VcDatasets, role: Role, secret: str) -> Account:
    """The account of one VC in one role."""
    name = account(vc.vc, role)
    keys = s3_access_key(secret, name, vc.key_generation), s3_secret_key(secret, name, vc.key_generation)
    return Account(name, *keys, _MASKS[role], _NO_BUCKETS)


def buckets(vcs: Sequence[VcDatasets]) -> list[BucketPlan]:
    """The buckets of the VCs."""
    return [BucketPlan(bucket_name(vc.vc), vc.quota_gib * 1024**3, _policy(vc)) for vc in vcs]


def _policy(vc: VcDatasets) -> dict[str, Any]:
    bucket = f"arn:aws:s3:::{bucket_name(vc.vc)}"
    own = {role: [_arn(account(vc.vc, role))] for role in Role}
    uploaders = own[Role.MEMBER] + own[Role.MANAGER]
    readers = own[Role.READER] + uploaders + [_arn(account(other, role)) for other in vc.readers for role in Role]
    statements = [
        _allow(readers, _READ_BUCKET, [bucket]),
        _allow(readers, _READ, [f"{bucket}/*"]),
        _allow(uploaders, _UPLOAD_BUCKET, [bucket]),
        _allow(uploaders, _UPLOAD, [f"{bucket}/{BLOBS}*", f"{bucket}/{DATASETS}*"]),
        _allow(own[Role.MANAGER], _DELETE, [f"{bucket}/*"]),
        # Published is what was put first at a key: who could remove it would choose what readers see instead. The mark
        # of a deleted version stays too. To put one is no removal.
        {
            "Effect": "Deny",
            "Principal": {"AWS": own[Role.MANAGER]},
            "Action": ["s3:DeleteObjectVersion"],
            "Resource": [f"{bucket}/{ANY_MANIFEST}"],
        },
        # Whoever puts an object could else let others read it, by the object's own access list.
        {
            "Effect": "Deny",
            "NotPrincipal": {"AWS": [_arn(OWNER), *readers]},
            "Action": ["s3:*"],
            "Resource": [bucket, f"{bucket}/*"],
        },
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(principals: list[str], actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": actions, "Resource": resources}


def _arn(name: str) -> str:
    return f"arn:aws:iam:::user/{name}"
