"""A site begins with one storage host and gets two more: what is stored stays, then any one of them may fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from amalgam.lab import updown
from tests.e2e.support.acknowledged import await_files, noted, writing
from tests.e2e.support.nodes import Node
from tests.e2e.support.own_lab import OwnLab, own_lab, quiet, write_inventory
from tests.e2e.support.playbook import start_site
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(3600)

STORAGE = ("stor1", "stor2", "stor3")
MOUNT = "/srv/shared/common"
_DISK = {"ceph_osds": [{"path": "/srv/ceph/osd0", "size_gib": 6}, {"path": "/srv/ceph/osd1", "size_gib": 6}]}
_HOSTS: dict[str, dict[str, dict[str, Any]]] = {
    "control_plane": {"master1": {"ansible_host": "10.88.0.11"}},
    "gpu_workers": {"gpu1": {"ansible_host": "10.88.0.21", "accelerator": "nvidia"}},
    "bundle_server": {"stor1": {}},
}


def _groups(count: int) -> dict[str, dict[str, dict[str, Any]]]:
    hosts = {name: {"ansible_host": f"10.88.0.{31 + index}"} for index, name in enumerate(STORAGE[:count])}
    return {**_HOSTS, "storage": hosts}


@pytest.fixture(scope="module")
def widened() -> Iterator[OwnLab]:
    """A site that was installed with one storage host, was written to, and has three since."""
    with own_lab("storage", _groups(1), _DISK) as lab:
        lab.up()
        _run_site(lab)
        lab.node("gpu1").run(f"cd {MOUNT} && head -c 64M /dev/urandom >old && sync old && sha256sum old >/run/old")
        write_inventory(lab.inventory, _groups(3), _DISK)
        lab.up()
        _run_site(lab)
        yield lab


def test_what_was_stored_before_is_there_in_three_copies(widened: OwnLab) -> None:
    _await_whole(widened)
    assert widened.node("gpu1").run(f"cd {MOUNT} && sha256sum --check /run/old").rc == 0
    pools = _ceph(widened, "osd pool ls detail")
    rules = {rule["rule_id"]: rule["rule_name"] for rule in _ceph(widened, "osd crush rule dump")}
    assert {(pool["size"], pool["min_size"], rules[pool["crush_rule"]]) for pool in pools} == {(3, 2, "by-host")}


def test_each_host_has_a_monitor_in_one_quorum_and_its_osds(widened: OwnLab) -> None:
    assert sorted(_ceph(widened, "quorum_status")["quorum_names"]) == list(STORAGE)
    hosts = [node for node in _ceph(widened, "osd tree")["nodes"] if node["type"] == "host"]
    assert {host["name"]: len(host["children"]) for host in hosts} == dict.fromkeys(STORAGE, 2)


def test_a_second_run_changes_nothing(widened: OwnLab) -> None:
    assert set(_run_site(widened).values()) == {0}


@pytest.mark.parametrize("host", STORAGE)
def test_writing_goes_on_while_any_one_host_is_down(widened: OwnLab, host: str) -> None:
    _await_whole(widened)
    worker, folder = widened.node("gpu1"), f"{MOUNT}/{host}"
    worker.run(f"mkdir {folder}")
    with writing(worker, folder):
        await_files(worker, 10)
        updown.stop(widened.names, [host], quiet())
        await_files(worker, noted(worker) + 20)
        updown.start(widened.names, [host], quiet())
    worker.run(f"cd {folder} && sha256sum --check --quiet /run/acknowledged", seconds=300)


def test_a_run_that_does_not_see_all_monitors_begins_no_second_cluster(widened: OwnLab) -> None:
    _await_whole(widened)
    widened.recreate("stor3")
    done = start_site(widened.inventory, "--limit", "stor3").wait()
    assert done.rc != 0
    assert "Run again with all of stor1, stor2, stor3" in done.output


def test_a_host_whose_disks_are_lost_gets_its_copies_again(widened: OwnLab) -> None:
    for osd in _osds_down(widened):
        _storage(widened).run(f"ceph osd purge {osd} --yes-i-really-mean-it")
    _run_site(widened)
    _await_whole(widened)
    assert widened.node("gpu1").run(f"cd {MOUNT} && sha256sum --check /run/old").rc == 0


def _run_site(lab: OwnLab) -> dict[str, int]:
    done = start_site(lab.inventory).wait()
    assert done.rc == 0, done.end
    return done.counts("changed")


def _storage(lab: OwnLab) -> Node:
    return lab.node(STORAGE[0])


def _ceph(lab: OwnLab, command: str) -> Any:
    return json.loads(_storage(lab).run(f"timeout 60 ceph --connect-timeout 50 {command} --format json").stdout)


def _await_whole(lab: OwnLab) -> None:
    """Every copy is where it belongs, and every monitor takes part."""

    def amiss() -> list[str]:
        seen = _ceph(lab, "status")
        states = [entry["state_name"] for entry in seen["pgmap"]["pgs_by_state"]]
        absent = set(STORAGE) - set(seen["quorum_names"])
        return sorted(absent) + [state for state in states if not state.startswith("active+clean")]

    wait_until("every copy is in its place", amiss, lambda found: found == [], seconds=600)


def _osds_down(lab: OwnLab) -> list[int]:
    return [node["id"] for node in _ceph(lab, "osd tree down")["nodes"] if node["type"] == "osd"]
