"""Filters ``ceph_key``, ``ceph_fsid``, ``s3_access_key``, ``s3_secret_key``: a shim over :mod:`amalgam.ceph_keys`."""

from __future__ import annotations

from collections.abc import Callable

from amalgam.ceph_keys import ceph_fsid, ceph_key, s3_access_key, s3_secret_key


class FilterModule:
    """Ansible's way to find the filters."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Name to function: ``secret | ceph_key(entity)``, ``secret | s3_secret_key(account)`` and so on."""
        return {
            "ceph_key": ceph_key,
            "ceph_fsid": ceph_fsid,
            "s3_access_key": s3_access_key,
            "s3_secret_key": s3_secret_key,
        }
