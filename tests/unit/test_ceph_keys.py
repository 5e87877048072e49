"""Keys of Ceph follow from the site's secret, and have the form that Ceph reads."""

from __future__ import annotations

import base64
import struct
import uuid

import pytest

from amalgam.ceph_keys import ceph_fsid, ceph_key

SECRET = base64.b64encode(bytes(32)).decode()


def test_a_key_is_what_ceph_calls_one():
    kind, seconds, nanoseconds, length, key = struct.unpack("<HIIH16s", base64.b64decode(ceph_key(SECRET, "osd.0")))
    assert (kind, seconds, nanoseconds, length) == (1, 0, 0, 16)
    assert len(set(key)) > 1


def test_a_key_is_the_same_at_every_run_and_of_each_entity_another():
    names = ["mon.", "osd.1", "osd.11", "client.admin", "client.a"]
    assert [ceph_key(SECRET, name) for name in names] == [ceph_key(SECRET, name) for name in names]
    assert len({ceph_key(SECRET, name) for name in names}) == len(names)
    other = base64.b64encode(b"1" * 32).decode()
    assert ceph_key(SECRET, "mon.") != ceph_key(other, "mon.")


def test_a_cluster_has_one_uuid_and_another_cluster_another():
    other = base64.b64encode(b"1" * 32).decode()
    assert uuid.UUID(ceph_fsid(SECRET)).version == 4
    assert ceph_fsid(SECRET) == ceph_fsid(SECRET) != ceph_fsid(other)


def test_a_secret_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"base64|padding|characters"):
        ceph_key("not a secret!", "mon.")
