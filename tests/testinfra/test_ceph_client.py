"""The shared file system on a worker: mounted, its own key, and nothing wider than that key."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from testinfra.host import Host

from tests.testinfra.site_facts import SiteFacts

SUBVOLUME = "common"
MOUNT = f"/srv/shared/{SUBVOLUME}"
TENANT, OTHER = "vision", "nlp"
"""Two virtual clusters, each with a part of its own."""
CEPHX = "AQ[A-Za-z0-9+/]{36}=="
PLACES = "/etc /root /run /var/lib/ceph /var/lib/amalgam"
"""Where software keeps keys."""


def test_the_subvolume_is_mounted_now_and_at_boot(each_worker: Host) -> None:
    assert each_worker.mount_point(MOUNT).exists
    assert each_worker.service(f"cephfs@{SUBVOLUME}").is_running
    assert each_worker.service(f"cephfs@{SUBVOLUME}").is_enabled


def test_its_size_is_the_quota(each_worker: Host) -> None:
    blocks = json.loads(each_worker.check_output(f"stat --file-system --format '[%b, %S]' {MOUNT}"))
    assert blocks[0] * blocks[1] == 1 << 30


def test_a_worker_holds_the_keys_of_what_it_mounts_for_root_alone(each_worker: Host, facts: SiteFacts) -> None:
    assert each_worker.file("/etc/amalgam/cephfs/keyring").mode == 0o600
    assert each_worker.file("/etc/amalgam/cephfs").mode == 0o700
    wanted = facts.subvolumes(each_worker.backend.get_hostname())
    entries = each_worker.check_output("grep '^\\[' /etc/amalgam/cephfs/keyring").splitlines()
    assert sorted(entries) == sorted(f"[client.{name}]" for name in wanted)
    mounted = each_worker.check_output("findmnt --noheadings --output TARGET --types fuse.ceph-fuse,ceph").split()
    assert sorted(mounted) == sorted(f"/srv/shared/{name}" for name in wanted)
    assert each_worker.check_output("find /etc/ceph /var/lib/ceph -name '*keyring*'") == ""


def _rights(host: Host, facts: SiteFacts, connect: Callable[[str], Host]) -> dict[str, dict[str, str]]:
    """Who the keys on a host let it be in the cluster, and what each of these may do."""
    held = set(host.check_output(f"grep -rhoIsE '{CEPHX}' {PLACES} || true").split())
    known = json.loads(connect(facts.names("storage")[0]).check_output("ceph auth ls --format json"))["auth_dump"]
    rights = {one["entity"]: one["caps"] for one in known if one["key"] in held}
    assert len(rights) == len(held)
    return rights


def test_no_key_on_a_worker_opens_more_than_a_part_that_it_mounts(
    each_worker: Host, facts: SiteFacts, connect: Callable[[str], Host]
) -> None:
    assert _rights(each_worker, facts, connect) == {
        f"client.{name}": {
            "mon": "allow r",
            "mds": f"allow rw path=/subvolumes/{name}",
            "osd": f"allow rw pool=shared.data namespace={name}",
        }
        for name in facts.subvolumes(each_worker.backend.get_hostname())
    }


def test_no_key_on_the_control_plane_does_more_than_manage_a_part(
    each_control_plane: Host, facts: SiteFacts, connect: Callable[[str], Host]
) -> None:
    if each_control_plane.backend.get_hostname() in facts.names("storage"):
        pytest.skip("the host has the cluster's own keys too")
    assert _rights(each_control_plane, facts, connect) == {
        f"client.manager.{name}": {
            "mon": "allow r",
            "mds": f"allow rwps path=/subvolumes/{name}",
            "osd": f"allow rw pool=shared.data namespace={name}",
        }
        for name in facts.subvolumes()
    }


@pytest.mark.parametrize(
    "command",
    [
        "rados {client} --pool shared.data ls",
        "rados {client} --pool shared.data --namespace {other} ls",
        "rados {client} --pool shared.data --namespace {other} get 10000000000.00000000 -",
        "rados {client} --pool shared.meta ls",
        "rados {client} --pool shared.meta get 1.00000000 -",
        "ceph --connect-timeout 20 {client} auth ls",
        "ceph --connect-timeout 20 {client} fs subvolume ls shared",
        "ceph-fuse {client} --client_fs shared --client_mountpoint / /mnt",
        "ceph-fuse {client} --client_fs shared --client_mountpoint /subvolumes /mnt",
        "ceph-fuse {client} --client_fs shared --client_mountpoint /subvolumes/{other} /mnt",
        "ceph-fuse {client} --client_fs shared --client_mountpoint /subvolumes/{other}/.snap /mnt",
    ],
    ids=[
        "raw objects",
        "another's objects",
        "another's object",
        "metadata",
        "a metadata object",
        "keys",
        "the file system's parts",
        "the whole tree",
        "all parts",
        "another's part",
        "another's snapshots",
    ],
)
def test_a_tenants_key_opens_nothing_else(each_worker: Host, command: str) -> None:
    client = f"--conf /etc/amalgam/cephfs/ceph.conf --keyring /etc/amalgam/cephfs/keyring --id {TENANT}"
    refused = each_worker.run(f"timeout 60 {command.format(client=client, other=OTHER)}")
    assert refused.rc not in (0, 124), refused.stdout
    assert "not permitted" in refused.stderr or "EACCES" in refused.stderr or "EPERM" in refused.stderr, refused.stderr


def test_a_tenants_key_opens_its_own(each_worker: Host) -> None:
    """What the attempts above differ from is whose it is, and nothing else."""
    client = f"--conf /etc/amalgam/cephfs/ceph.conf --keyring /etc/amalgam/cephfs/keyring --id {TENANT}"
    each_worker.check_output(f"timeout 60 rados {client} --pool shared.data --namespace {TENANT} ls")
    assert each_worker.mount_point(f"/srv/shared/{TENANT}").exists


def test_a_workers_key_makes_no_snapshots_and_sets_no_quotas(each_worker: Host) -> None:
    refused = each_worker.run(f"mkdir /srv/shared/{TENANT}/.snap/attempt")
    assert "Permission denied" in refused.stderr
    quota = f"import os; os.setxattr('/srv/shared/{TENANT}', 'ceph.quota.max_bytes', b'0')"
    assert "PermissionError" in each_worker.run(f'python3 -c "{quota}"').stderr


def test_where_nothing_is_mounted_nothing_can_be_made(each_worker: Host) -> None:
    refused = each_worker.run("mkdir /srv/shared/attempt")
    assert "Operation not permitted" in refused.stderr
    bare = "unshare --mount sh -c 'umount --lazy /srv/shared/common && touch /srv/shared/common/attempt'"
    assert "Operation not permitted" in each_worker.run(bare).stderr
