"""The shapes of a site that its inventory alone decides: three control-plane hosts, and everything on one host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from amalgam.chips.table import ASCEND
from amalgam.lab import updown
from tests.e2e.support.chips import simulated_driver
from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Node
from tests.e2e.support.own_lab import OwnLab, groups_of, own_lab, quiet, variables_of
from tests.e2e.support.playbook import PlaybookRun, start_site
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(3600)

_ETCD = "/etc/kubernetes/pki/etcd"
_ETCDCTL = (
    f"etcdctl --endpoints https://127.0.0.1:2379 --cacert {_ETCD}/ca.crt --cert {_ETCD}/server.crt"
    f" --key {_ETCD}/server.key --write-out json"
)
_KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
_APPLIED = "/var/lib/amalgam/kubeadm/applied"


SHAPES = ("lab-ha", "lab-single")
# Here each part of a control plane is there three times to be read.
_WATCHED = "lab-ha"


@pytest.fixture(scope="module", params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Iterator[OwnLab]:
    """A lab of that shape with the site installed."""
    groups, variables = groups_of(request.param), variables_of(request.param)
    if request.param == _WATCHED:
        groups["management"] = {"stor1": {}}
        variables["lab"] = {"mail_host": "stor1"}
    with own_lab(request.param, groups, variables) as lab:
        lab.up()
        _run_site(lab)
        yield lab


def _run_site(lab: OwnLab) -> PlaybookRun:
    done = start_site(lab.inventory).wait()
    assert done.rc == 0, done.end
    return done


def _masters(lab: OwnLab) -> list[Node]:
    return [lab.node(name) for name in lab.members("control_plane")]


def _etcd(node: Node, command: str) -> Any:
    return json.loads(node.run(f"{_ETCDCTL} {command}").stdout)


def _member(node: Node) -> int:
    (found,) = _etcd(node, "endpoint status")
    return int(found["Status"]["header"]["member_id"])


def test_every_node_is_ready_and_a_second_run_changes_nothing(shape: OwnLab) -> None:
    Cluster(shape).wait_healthy(seconds=300)
    worker = shape.node(shape.members("workers")[0])
    # A card that the inventory says nothing of.
    with simulated_driver(worker, ASCEND, "24.1.rc3"):
        again = _run_site(shape)
    assert "ready; 1 ascend not in hosts.yml" in " ".join(again.output.split()), again.end
    assert again.counts("changed") == dict.fromkeys(again.recap, 0), again.end


def test_each_control_plane_host_has_a_voting_member_of_one_etcd(shape: OwnLab) -> None:
    wanted = sorted(shape.members("control_plane"))
    clusters = set()
    for node in _masters(shape):
        listed = _etcd(node, "member list")
        clusters.add(listed["header"]["cluster_id"])
        assert sorted(member["name"] for member in listed["members"]) == wanted
        assert not any(member.get("isLearner") for member in listed["members"])
    assert len(clusters) == 1


def test_the_api_answers_from_each_control_plane_host(shape: OwnLab) -> None:
    for node in _masters(shape):
        asked = f"{_KUBECTL} --server https://{node.address}:6443"
        assert node.run(f"{asked} get --raw /readyz").stdout == "ok"
        named = node.run(f"{asked} get nodes --output name").stdout.split()
        assert sorted(named) == sorted(f"node/{one.name}" for one in shape.cluster_nodes())


def test_each_part_of_each_control_plane_host_is_read(shape: OwnLab) -> None:
    if not shape.members("management"):
        pytest.skip("the site is not watched")
    monitoring = Monitoring(shape)
    wait_until("every target is up", monitoring.down_targets, lambda down: down == [], seconds=300)
    parts = ("apiserver", "etcd", "kube-controller-manager", "kube-scheduler")
    found = monitoring.query(f'up{{job=~"{"|".join(parts)}"}} == 1')
    read = {(one["metric"]["job"], one["metric"]["node"]) for one in found}
    assert read == {(part, name) for part in parts for name in shape.members("control_plane")}


def test_a_pod_runs_where_users_pods_may(shape: OwnLab) -> None:
    cluster = Cluster(shape)
    with cluster.namespace("shape") as namespace:
        spec = pod_template(cluster.image_of_tests(), ["pause"], {"app": "here"})
        cluster.apply(namespace, {"apiVersion": "v1", "kind": "Pod", **spec, "metadata": {"name": "here"}})
        cluster.wait(namespace, "wait --for=condition=Ready pod/here")
        (pod,) = cluster.get(f"pods --namespace {namespace}")["items"]
    assert pod["spec"]["nodeName"] in shape.members("workers")


def test_a_worker_that_restarts_has_its_mounts_again_also_where_it_is_the_whole_site(shape: OwnLab) -> None:
    worker, file = shape.node(shape.members("workers")[0]), "/srv/shared/common/kept"
    worker.run(f"echo kept >{file} && sync {file}")
    updown.stop(shape.names, [worker.name], quiet())
    updown.start(shape.names, [worker.name], quiet())
    wait_until(
        "the mount is back",
        lambda: worker.run(f"timeout 60 cat {file}", check=False).stdout,
        lambda text: text == "kept\n",
        seconds=300,
    )
    Cluster(shape).wait_healthy(seconds=600)
    worker.run(f"rm {file}")


def test_a_control_plane_that_is_configured_anew_keeps_its_etcd(shape: OwnLab) -> None:
    masters = _masters(shape)
    before = {node.name: _member(node) for node in masters}
    for node in masters:
        # As after a change of everything: what was applied is not known any more.
        node.run(f"echo other >{_APPLIED} && rm {_APPLIED}-etcd")

    changed = _run_site(shape).counts("changed")

    assert {name for name, count in changed.items() if count} == set(before)
    Cluster(shape).wait_healthy(seconds=300)
    assert {node.name: _member(node) for node in masters} == before
    assert set(_run_site(shape).counts("changed").values()) == {0}


def test_a_change_of_the_kubelets_configuration_reaches_every_kubelet(shape: OwnLab) -> None:
    file = shape.inventory / "group_vars" / "all" / "control_plane.yml"
    settings = yaml.safe_load(file.read_text())
    settings["control_plane_kubelet_configuration"]["maxPods"] = 77
    file.write_text(yaml.safe_dump(settings))
    _run_site(shape)
    cluster = Cluster(shape)
    cluster.wait_healthy(seconds=300)
    running = {
        node.name: json.loads(cluster.kubectl(f"get --raw /api/v1/nodes/{node.name}/proxy/configz").stdout)
        for node in shape.cluster_nodes()
    }
    assert {name: found["kubeletconfig"]["maxPods"] for name, found in running.items()} == dict.fromkeys(running, 77)
    assert set(_run_site(shape).counts("changed").values()) == {0}
