"""The storage cluster: its daemons run, what it says on the wire is encrypted, and its keys are closely held."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

DAEMONS = ("ceph-mon@{}", "ceph-mgr@{}", "ceph-mds@{}")


@pytest.mark.parametrize("unit", DAEMONS)
def test_a_daemon_runs_now_and_at_boot(each_storage: Host, unit: str) -> None:
    service = each_storage.service(unit.format(each_storage.backend.get_hostname()))
    assert service.is_running
    assert service.is_enabled


def test_every_disk_of_the_inventory_is_an_osd_that_is_up(each_storage: Host) -> None:
    wanted = len(each_storage.check_output("cat /etc/amalgam/ceph/osds").splitlines())
    tree = json.loads(each_storage.check_output("ceph osd tree --format json"))["nodes"]
    host = next(node for node in tree if node["name"] == each_storage.backend.get_hostname())
    up = [node["id"] for node in tree if node["id"] in host["children"] and node["status"] == "up"]
    assert len(up) == wanted > 0
    assert all(each_storage.service(f"ceph-osd@{osd}").is_enabled for osd in up)


def test_all_data_can_be_read_and_written(each_storage: Host) -> None:
    seen = json.loads(each_storage.check_output("ceph status --format json"))
    states = seen["pgmap"]["pgs_by_state"]
    assert (
        sum(entry["count"] for entry in states if entry["state_name"].startswith("active")) == seen["pgmap"]["num_pgs"]
    )
    assert seen["fsmap"]["up"] == seen["fsmap"]["max"] == 1


@pytest.mark.parametrize("option", ["ms_cluster_mode", "ms_service_mode", "ms_client_mode"])
def test_nothing_goes_over_the_wire_in_plain_text(each_storage: Host, option: str) -> None:
    assert json.loads(each_storage.check_output("ceph tell osd.0 config get %s", option)) == {option: "secure"}


def test_keys_are_for_their_daemons_alone(each_storage: Host) -> None:
    files = each_storage.check_output("find /etc/ceph /etc/amalgam/ceph /var/lib/ceph -name '*keyring' -perm /077")
    assert files == ""
    assert each_storage.file("/etc/amalgam/ceph").mode == 0o700


def test_an_osd_key_maker_may_do_nothing_else(each_storage: Host) -> None:
    keyring = "--name client.bootstrap-osd --keyring /var/lib/ceph/bootstrap-osd/ceph.keyring"
    refused = each_storage.run(f"timeout 60 ceph --connect-timeout 20 {keyring} auth ls")
    assert refused.rc == 13
    assert "EACCES" in refused.stderr


@pytest.mark.parametrize(
    ("entity", "caps"),
    [
        ("mds.{}", {"mon": "profile mds", "mgr": "profile mds", "mds": "allow *", "osd": "allow rw tag cephfs *=*"}),
        ("client.rgw.{}", {"mon": "allow rw", "osd": "allow rwx tag rgw *=*"}),
    ],
)
def test_a_daemon_may_do_what_it_needs_and_no_more(each_storage: Host, entity: str, caps: dict[str, str]) -> None:
    name = entity.format(each_storage.backend.get_hostname())
    (known,) = json.loads(each_storage.check_output("ceph auth get %s --format json", name))
    assert known["caps"] == caps


def test_a_gateway_cannot_read_files_and_a_metadata_server_no_objects(each_storage: Host) -> None:
    host = each_storage.backend.get_hostname()
    gateway = f"--name client.rgw.{host} --keyring /var/lib/ceph/radosgw/ceph-rgw.{host}/keyring"
    metadata = f"--name mds.{host} --keyring /var/lib/ceph/mds/ceph-{host}/keyring"
    each_storage.check_output(f"timeout 60 rados {gateway} --pool .rgw.root ls")
    each_storage.check_output(f"timeout 60 rados {metadata} --pool shared.meta ls")
    for command in (f"{gateway} --pool shared.data ls", f"{metadata} --pool .rgw.root ls"):
        refused = each_storage.run(f"timeout 60 rados {command}")
        assert refused.rc not in (0, 124), refused.stdout
        assert "not permitted" in refused.stderr, refused.stderr
