"""The shared file system on a worker: mounted, its own key, and nothing wider than that key."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

SUBVOLUME = "common"
MOUNT = f"/srv/shared/{SUBVOLUME}"
CLIENT = f"--conf /etc/amalgam/cephfs/ceph.conf --keyring /etc/amalgam/cephfs/keyring --id {SUBVOLUME}"


def test_the_subvolume_is_mounted_now_and_at_boot(each_worker: Host) -> None:
    assert each_worker.mount_point(MOUNT).exists
    assert each_worker.service(f"cephfs@{SUBVOLUME}").is_running
    assert each_worker.service(f"cephfs@{SUBVOLUME}").is_enabled


def test_its_size_is_the_quota(each_worker: Host) -> None:
    blocks = json.loads(each_worker.check_output(f"stat --file-system --format '[%b, %S]' {MOUNT}"))
    assert blocks[0] * blocks[1] == 1 << 30


def test_the_key_is_for_root_alone(each_worker: Host) -> None:
    assert each_worker.file("/etc/amalgam/cephfs/keyring").mode == 0o600
    assert each_worker.file("/etc/amalgam/cephfs").mode == 0o700
    entries = each_worker.check_output("grep '^\\[' /etc/amalgam/cephfs/keyring").splitlines()
    assert entries == ["[client.common]", "[client.volumes]"]
    assert each_worker.check_output("find /etc/ceph /var/lib/ceph -name '*keyring*'") == ""


@pytest.mark.parametrize(
    "command",
    [
        f"rados {CLIENT} --pool shared.data ls",
        f"rados {CLIENT} --pool shared.data --namespace fsvolumens_another ls",
        f"rados {CLIENT} --pool shared.meta ls",
        f"ceph --connect-timeout 20 {CLIENT} auth ls",
        f"ceph --connect-timeout 20 {CLIENT} fs subvolume ls shared",
        f"ceph --connect-timeout 20 {CLIENT} fs subvolume getpath shared another",
        f"ceph-fuse {CLIENT} --client_fs shared --client_mountpoint / /mnt",
    ],
    ids=["raw objects", "another's objects", "metadata", "keys", "subvolumes", "another's path", "the whole tree"],
)
def test_the_key_opens_nothing_else(each_worker: Host, command: str) -> None:
    refused = each_worker.run(f"timeout 60 {command}")
    assert refused.rc not in (0, 124), refused.stdout
    assert "not permitted" in refused.stderr or "EACCES" in refused.stderr or "EPERM" in refused.stderr, refused.stderr
