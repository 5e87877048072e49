"""The bucket of a VC, by the S3 protocol: the one place that speaks with the store, in the few ways datasets need."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from amalgam.datasets.credentials import Credentials
from amalgam.datasets.failures import GoneError, code_of, explained
from amalgam.datasets.layout import bucket_name
from amalgam.datasets.parts import Part
from amalgam.datasets.workers import WORKERS

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One version of an object, or a mark that says the object was deleted."""

    key: str
    version: str
    newest: bool
    """Nothing lies over it."""
    size: int = 0
    etag: str = ""


@dataclass(frozen=True)
class History:
    """All that lies at one key."""

    objects: tuple[Entry, ...] = ()
    """Newest first."""
    marks: tuple[Entry, ...] = ()

    @property
    def first(self) -> Entry | None:
        """The object that was put first, unless the key is marked as deleted: what comes later never replaces it."""
        return self.objects[-1] if self.objects and not self.marks else None

    @property
    def current(self) -> Entry | None:
        """The object on top, unless a mark is."""
        return next((entry for entry in self.objects if entry.newest), None)


class Bucket:
    """The datasets' bucket of one VC as one key sees it. May be used by several threads.

    Every method raises :class:`amalgam.errors.AmalgamError` where the store refuses, is full or does not answer.
    """

    def __init__(self, credentials: Credentials, vc: str = "", *, timeout_s: float = 60.0) -> None:
        """The bucket of ``vc``, by default the one whose key it is; an answer may take ``timeout_s`` seconds."""
        self.vc = vc or credentials.vc
        self.name = bucket_name(self.vc)
        # botocore wants the authority as a file. One in memory is not left behind by a program that is killed.
        self._ca = os.fdopen(os.memfd_create("amalgam-ca"), "w")
        self._ca.write(credentials.ca_certificate)
        self._ca.flush()
        import boto3  # costs more than most commands of ours

        self._client: Any = boto3.client(
            "s3",
            endpoint_url=credentials.endpoint,
            verify=f"/proc/self/fd/{self._ca.fileno()}",
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            region_name="default",
            config=Config(
                s3={"addressing_style": "path"},
                signature_version="s3v4",
                connect_timeout=min(timeout_s, 10),
                read_timeout=timeout_s,
                retries={"mode": "standard", "total_max_attempts": 2},
                max_pool_connections=2 * WORKERS,
                # Ceph 16 does not know the checksums that botocore adds unasked; ours are sent as Content-MD5.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def histories(self, prefix: str) -> dict[str, History]:
        """What lies at each key that begins with ``prefix``."""
        objects: dict[str, list[Entry]] = {}
        marks: dict[str, list[Entry]] = {}
        with self._explained(prefix):
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix):
                for found in page.get("Versions", []):
                    entry = Entry(
                        found["Key"], found["VersionId"], found["IsLatest"], found["Size"], found["ETag"].strip('"')
                    )
                    objects.setdefault(entry.key, []).append(entry)
                for found in page.get("DeleteMarkers", []):
                    entry = Entry(found["Key"], found["VersionId"], found["IsLatest"])
                    marks.setdefault(entry.key, []).append(entry)
        return {key: History(tuple(objects.get(key, [])), tuple(marks.get(key, []))) for key in {**objects, **marks}}

    def history(self, key: str) -> History:
        """What lies at ``key``."""
        return self.histories(key).get(key, History())

    def put(self, key: str, content: bytes) -> str:
        """Put a new version of an object, and return which."""
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        with self._explained(key):
            answer = self._client.put_object(Bucket=self.name, Key=key, Body=content, ContentMD5=digest)
        return str(answer["VersionId"])

    def read(self, entry: Entry) -> bytes:
        """The content of one version of an object."""
        return b"".join(self.stream(entry.key, entry.version))

    def stream(self, key: str, version: str, start: int = 0) -> Iterator[bytes]:
        """The content of one version of an object from byte ``start`` on.

        Raises:
            GoneError: there is no such version.
        """
        whole = {"Range": f"bytes={start}-"} if start else {}
        with self._explained(key):
            answer = self._client.get_object(Bucket=self.name, Key=key, VersionId=version, **whole)
            yield from answer["Body"].iter_chunks(_CHUNK)

    def exists(self, key: str) -> bool:
        """Whether an object is there, not marked as deleted."""
        try:
            with self._explained(key):
                self._client.head_object(Bucket=self.name, Key=key)
        except GoneError:
            return False
        return True

    def mark_deleted(self, key: str) -> str:
        """Put a mark over an object, and return the mark's version; what lies below stays.

        Where a mark is on top already the store makes no second one, and this returns nothing.
        """
        with self._explained(key):
            return str(self._client.delete_object(Bucket=self.name, Key=key).get("VersionId", ""))

    def remove(self, key: str, version: str) -> None:
        """Remove one version of an object, or one mark, for good. One that is not there is no error."""
        with self._explained(key):
            self._client.delete_object(Bucket=self.name, Key=key, VersionId=version)

    def begin(self, key: str) -> str:
        """Begin an object in parts; returns the upload's identifier."""
        with self._explained(key):
            return str(self._client.create_multipart_upload(Bucket=self.name, Key=key)["UploadId"])

    def begun(self, prefix: str) -> list[tuple[str, str]]:
        """Key and upload of every object in parts that is begun and not finished."""
        with self._explained(prefix):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name, Prefix=prefix)
            return [(one["Key"], one["UploadId"]) for page in pages for one in page.get("Uploads", [])]

    def stored_parts(self, key: str, upload: str) -> dict[int, tuple[str, int]]:
        """Number → ETag and bytes of the parts that have arrived; none for an upload that is no more."""
        try:
            pages = self._client.get_paginator("list_parts").paginate(Bucket=self.name, Key=key, UploadId=upload)
            return {
                part["PartNumber"]: (part["ETag"].strip('"'), part["Size"])
                for page in pages
                for part in page.get("Parts", [])
            }
        except (BotoCoreError, ClientError) as error:
            if code_of(error) == "NoSuchUpload":
                return {}
            raise explained(error, self._where(key)) from None

    def put_part(self, key: str, upload: str, part: Part, content: bytes) -> None:
        """Send one part; the store refuses what is not of the part's MD5."""
        with self._explained(key):
            self._client.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=upload,
                PartNumber=part.number,
                Body=content,
                ContentMD5=base64.b64encode(part.md5).decode(),
            )

    def part_url(self, key: str, upload: str, number: int, *, lifetime_s: int = 3600) -> str:
        """An address to which whoever has it can PUT one part, without a key of the store."""
        what = {"Bucket": self.name, "Key": key, "UploadId": upload, "PartNumber": number}
        return str(self._client.generate_presigned_url("upload_part", Params=what, ExpiresIn=lifetime_s))

    def finish(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        """Make one object of the parts; returns its version, or nothing where somebody has done it already."""
        listed = [{"PartNumber": part.number, "ETag": part.md5.hex()} for part in parts]
        try:
            answer = self._client.complete_multipart_upload(
                Bucket=self.name, Key=key, UploadId=upload, MultipartUpload={"Parts": listed}
            )
        except (BotoCoreError, ClientError) as error:
            if code_of(error) == "NoSuchUpload":
                return ""
            raise explained(error, self._where(key)) from None
        return str(answer.get("VersionId", ""))

    def give_up(self, key: str, upload: str) -> None:
        """Remove the parts of an object that will not be finished."""
        try:
            self._client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload)
        except (BotoCoreError, ClientError) as error:
            if code_of(error) != "NoSuchUpload":
                raise explained(error, self._where(key)) from None

    def _where(self, key: str) -> str:
        return f"{self.name}/{key}"

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise explained(error, self._where(key)) from None
