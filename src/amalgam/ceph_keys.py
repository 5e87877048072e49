"""Identity and keys of the storage cluster, all from one secret of the site: nothing has to be fetched from it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import uuid

_AES = 1
_KEY_BYTES = 16
_ACCESS_KEY_LENGTH = 20
_SECRET_KEY_BYTES = 30


def ceph_key(secret: str, entity: str) -> str:
    """The cephx key of ``entity`` (``osd.0``, ``client.admin``, ...), in the form that keyrings have.

    The form is Ceph's CryptoKey: type, creation time (s, ns) and length, little-endian, then the AES key. The AES key
    is the first half of HMAC-SHA256(secret, entity).

    Args:
        secret: base64.
        entity: type and id, joined by a dot.

    Raises:
        ValueError: ``secret`` is no base64.
    """
    key = _derived(secret, entity)[:_KEY_BYTES]
    return base64.b64encode(struct.pack("<HIIH", _AES, 0, 0, len(key)) + key).decode()


def ceph_fsid(secret: str) -> str:
    """The UUID of the cluster; nothing of the secret follows from it.

    Args:
        secret: base64.

    Raises:
        ValueError: ``secret`` is no base64.
    """
    return str(uuid.UUID(bytes=_derived(secret, "fsid")[:_KEY_BYTES], version=4))


def s3_access_key(secret: str, account: str, generation: int = 1) -> str:
    """The name by which an account of the object store signs: 20 letters and digits, no secret.

    Args:
        secret: base64.
        account: name of the account.
        generation: another one makes another pair of keys.

    Raises:
        ValueError: ``secret`` is no base64.
    """
    key = _derived(secret, f"s3-access-key.{account}.{generation}")
    return base64.b32encode(key).decode()[:_ACCESS_KEY_LENGTH]


def s3_secret_key(secret: str, account: str, generation: int = 1) -> str:
    """The key with which an account of the object store signs: 40 letters, digits, hyphens and underscores (240 bits).

    Takes and raises what :func:`s3_access_key` does.
    """
    key = _derived(secret, f"s3-secret-key.{account}.{generation}")
    return base64.urlsafe_b64encode(key[:_SECRET_KEY_BYTES]).decode()


def _derived(secret: str, name: str) -> bytes:
    return hmac.new(base64.b64decode(secret, validate=True), name.encode(), hashlib.sha256).digest()
