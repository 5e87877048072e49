"""What the object store and the way to it can answer instead of what was asked for, in people's words."""

from __future__ import annotations

from botocore import exceptions as botocore
from botocore.exceptions import BotoCoreError, ClientError, SSLError

from amalgam.errors import AmalgamError


class GoneError(AmalgamError):
    """What was asked for is not there, or not any more."""


_AGAIN = "run the same again when it is mended: what has arrived is kept and not sent twice"
_ASK = f"{_AGAIN}. Administrators: `ceph status`, is a pool full?"
_KEY = (
    "check which credentials file is used; the platform's administrator makes a new one (amalgam dataset credentials)"
)

# https://docs.ceph.com/en/pacific/radosgw/s3/#error-codes and AWS's list of error responses
_CODES = {
    "InvalidAccessKeyId": ("the object store does not know this key", _KEY),
    "SignatureDoesNotMatch": ("the secret key is not the one of this account", _KEY),
    "UserSuspended": ("this account is suspended: its VC is no longer in the site's data", "ask the administrator"),
    "AccessDenied": (
        "this key has no right to that",
        "a reader only reads, a member uploads too, a manager also deletes; other VCs' datasets need their leave",
    ),
    "NoSuchBucket": (
        "this VC has no datasets on this site",
        "check the name of the VC; the administrator adds it to ceph_rgw_datasets and runs the storage layer",
    ),
    "QuotaExceeded": (
        "the VC's quota of datasets is used up",
        "have a manager delete a version (amalgam dataset delete) or the administrator raise quota_gib; then run the "
        "same again: what has arrived is kept and not sent twice",
    ),
    "RequestTimeTooSkewed": ("the clocks of this machine and of the object store differ", "set this machine's clock"),
    "InvalidPart": ("a part was replaced by somebody while it was uploaded", "run the same again"),
    "NoSuchUpload": ("somebody ended this upload", "run the same again"),
    "BadDigest": ("content arrived damaged, and was refused", "run the same again"),
}


_GONE = ("NoSuchKey", "NoSuchVersion", "404")


def code_of(error: Exception) -> str:
    """The store's code of an error, or nothing."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def explained(error: BotoCoreError | ClientError, where: str) -> AmalgamError:
    """The error for people, about the object or bucket ``where``."""
    if isinstance(error, ClientError):
        return _answer(error, where)
    if isinstance(error, SSLError):
        return AmalgamError(
            "the object store's certificate is not trusted",
            where=where,
            remedy="the credentials are of another site, or somebody is in between; the administrator makes new ones",
        )
    if isinstance(error, botocore.HTTPClientError | botocore.ConnectionError | botocore.IncompleteReadError):
        reason = "the object store cannot be reached, or does not answer"
        return AmalgamError(f"{reason} ({type(error).__name__})", where=where, remedy=_ASK)
    return AmalgamError(f"cannot speak with the object store: {error}", where=where, remedy="mend what it names")


def _answer(error: ClientError, where: str) -> AmalgamError:
    code = code_of(error)
    if code in _GONE:
        return GoneError(
            "this is not there, or not any more", where=where, remedy="see what there is, and ask for that"
        )
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # An answer to HEAD has no body, and so no code of its own.
    what, remedy = _CODES.get("AccessDenied" if code == "403" else code, ("", ""))
    if what:
        return AmalgamError(what, where=where, remedy=remedy)
    if status >= 500:
        reason = f"the object store cannot do that now ({code or status})"
        return AmalgamError(reason, where=where, remedy=_ASK)
    return AmalgamError(f"the object store refuses ({code or status})", where=where, remedy="tell the administrator")
