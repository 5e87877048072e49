"""Connections of nodes' FUSE mounts are told from those of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.lab import fuse

MOUNTINFO = """\
21 20 0:19 / /sys rw - sysfs sysfs rw
30 20 0:226 / /srv/shared/common rw shared:9 - fuse.ceph-fuse ceph-fuse rw,user_id=0
31 20 0:40 / /sys/fs/fuse/connections rw - fusectl fusectl rw
32 20 0:63 / /mnt rw - fuse other rw
"""


@pytest.mark.parametrize(("namespace", "found"), [("mnt:[1]", {"226", "63"}), (None, set())])
def test_the_mounts_of_another_namespace_are_found(tmp_path: Path, namespace: str | None, found: set[str]) -> None:
    (tmp_path / "ns").mkdir()
    (tmp_path / "ns/mnt").symlink_to(namespace or Path("/proc/self/ns/mnt").readlink())
    (tmp_path / "mountinfo").write_text(MOUNTINFO)
    assert fuse._connections(tmp_path) == found


def test_a_process_that_is_gone_has_none(tmp_path: Path) -> None:
    assert fuse._connections(tmp_path / "gone") == set()
    fuse.abort([])
