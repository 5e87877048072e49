"""Identity and keys of the storage cluster, all from one secret of the site: nothing has to be fetched from it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import uuid

_AES = 1
_KEY_BYTES = 16


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
    key = _derived(secret, entity)
    return base64.b64encode(struct.pack("<HIIH", _AES, 0, 0, len(key)) + key).decode()


def ceph_fsid(secret: str) -> str:
    """The UUID of the cluster; nothing of the secret follows from it.

    Args:
        secret: base64.

    Raises:
        ValueError: ``secret`` is no base64.
    """
    return str(uuid.UUID(bytes=_derived(secret, "fsid"), version=4))


def _derived(secret: str, name: str) -> bytes:
    return hmac.new(base64.b64decode(secret, validate=True), name.encode(), hashlib.sha256).digest()[:_KEY_BYTES]
