"""Keys of Ceph's daemons and clients, all from one secret of the site: nothing has to be fetched from the cluster."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

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
    key = hmac.new(base64.b64decode(secret, validate=True), entity.encode(), hashlib.sha256).digest()[:_KEY_BYTES]
    return base64.b64encode(struct.pack("<HIIH", _AES, 0, 0, len(key)) + key).decode()
