"""Filter ``ceph_key``: a shim over :mod:`amalgam.ceph_keys`."""

from __future__ import annotations

from collections.abc import Callable

from amalgam.ceph_keys import ceph_key


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[[str, str], str]]:
        """Name to function: ``secret | ceph_key(entity)``."""
        return {"ceph_key": ceph_key}
