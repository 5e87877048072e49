"""Prometheus is told how the cluster is by a program outside of it, which reads and does nothing else."""

from __future__ import annotations

import json
import re

import pytest
from testinfra.host import Host

from tests.e2e.support.cluster import Cluster
from tests.e2e.support.waiting import wait_until
from tests.testinfra.site_facts import SiteFacts

_URL = "http://127.0.0.1:9105"
_ACCESS = "/etc/amalgam/cluster_state"


def _metrics(host: Host) -> str:
    return host.check_output(f"curl --silent --fail {_URL}/metrics")


def test_all_is_in_step(management_host: Host) -> None:
    assert management_host.check_output(f"curl --silent --fail-with-body {_URL}/ready") == "in step"
    assert management_host.service("cluster-state").is_enabled


def test_its_memory_is_bounded(management_host: Host) -> None:
    shown = management_host.check_output("systemctl show --property MemoryMax --value cluster-state")
    assert int(shown) == 512 << 20


def test_every_node_is_told_with_its_condition_and_its_chips(
    management_host: Host, cluster: Cluster, facts: SiteFacts
) -> None:
    told = _metrics(management_host)
    nodes = facts.names("control_plane", "workers")
    assert set(re.findall(r'^kube_node_info\{node="([^"]+)"', told, re.MULTILINE)) == set(nodes)

    def untold() -> list[str]:
        wanted = [
            f'kube_node_status_condition{{node="{name}",condition="Ready",status="{ready.lower()}"}} 1'
            for name, ready in cluster.readiness().items()
        ]
        for node in cluster.get("nodes")["items"]:
            if count := node["status"]["allocatable"].get("nvidia.com/gpu"):
                labels = f'node="{node["metadata"]["name"]}",resource="nvidia_com_gpu",unit="integer"'
                wanted.append(f"kube_node_status_allocatable{{{labels}}} {count}")
        return _lacking(_metrics(management_host), wanted)

    wait_until("condition and chips of every node are told", untold, lambda lacking: lacking == [], seconds=10)


def test_pods_are_told_by_where_they_run(management_host: Host, cluster: Cluster) -> None:
    def untold() -> list[str]:
        wanted = []
        for pod in cluster.get("pods --namespace kube-system")["items"]:
            labels = f'namespace="kube-system",pod="{pod["metadata"]["name"]}",uid="{pod["metadata"]["uid"]}"'
            wanted.append(f'kube_pod_status_phase{{{labels},phase="{pod["status"]["phase"]}"}} 1')
        return _lacking(_metrics(management_host), wanted)

    wait_until("all pods of the system are told", untold, lambda lacking: lacking == [], seconds=10)


def _lacking(told: str, wanted: list[str]) -> list[str]:
    return [line for line in wanted if line not in told]


def test_the_quota_of_a_vc_is_told_and_the_vc_is_known_by_its_label(management_host: Host, cluster: Cluster) -> None:
    vcs = cluster.get("namespaces --selector amalgam.internal/vc")["items"]
    if not vcs:
        pytest.skip("the platform has not been laid on this lab: no VC is there")
    told = _metrics(management_host)
    for name in (vc["metadata"]["name"] for vc in vcs):
        assert re.search(
            rf'^kube_namespace_labels\{{namespace="{name}",.*label_amalgam_internal_vc="{name}"', told, re.MULTILINE
        )
        assert re.search(rf'^kube_resourcequota\{{namespace="{name}",.*type="hard"\}}', told, re.MULTILINE)
        assert re.search(rf'^kube_resourcequota\{{namespace="{name}",.*type="used"\}}', told, re.MULTILINE)


def test_a_change_is_told_within_seconds(management_host: Host, cluster: Cluster) -> None:
    with cluster.namespace("state") as namespace:
        wait_until(
            f"namespace {namespace} is told",
            lambda: f'kube_namespace_labels{{namespace="{namespace}"' in _metrics(management_host),
            bool,
            seconds=10,
        )
    wait_until(
        f"namespace {namespace} is told no more",
        lambda: f'namespace="{namespace}"' in _metrics(management_host),
        lambda told: not told,
        seconds=10,
    )


def test_it_runs_as_a_user_of_its_own_who_alone_reads_the_token(management_host: Host) -> None:
    pid = management_host.check_output("systemctl show --property MainPID --value cluster-state")
    assert management_host.process.get(pid=int(pid)).user == "cluster-state"
    for name in ("token", "ca.crt", "settings.json"):
        file = management_host.file(f"{_ACCESS}/{name}")
        assert (file.mode, file.user) == (0o600, "cluster-state"), name
    assert management_host.file(_ACCESS).user == "root"


def test_it_is_reached_from_its_own_host_only(management_host: Host) -> None:
    assert management_host.socket("tcp://127.0.0.1:9105").is_listening
    assert not management_host.socket("tcp://0.0.0.0:9105").is_listening


def _delivered(host: Host) -> int:
    return int(re.search(r"^cluster_state_events_delivered_total (\d+)", _metrics(host), re.MULTILINE)[1])


def _position(host: Host) -> int:
    return int(host.check_output("cat /var/lib/cluster-state/events-position"))


def test_an_event_is_delivered_and_its_position_is_written_down(management_host: Host, cluster: Cluster) -> None:
    delivered, position = _delivered(management_host), _position(management_host)
    with cluster.namespace("events") as namespace:
        pod = {"apiVersion": "v1", "kind": "Pod", "name": "nobody", "namespace": namespace}
        event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "seen"}, "involvedObject": pod}
        cluster.apply(namespace, event | {"type": "Normal", "reason": "Tried", "message": "an event of the tests"})
        wait_until("it is delivered", lambda: _delivered(management_host), lambda now: now > delivered, seconds=10)
        wait_until("so it is noted", lambda: _position(management_host), lambda now: now > position, seconds=10)


def test_it_asks_every_api_server_by_turns(management_host: Host, facts: SiteFacts) -> None:
    settings = json.loads(management_host.check_output(f"cat {_ACCESS}/settings.json"))
    assert [address for address, _ in settings["servers"]] == [
        facts.address(name) for name in facts.names("control_plane")
    ]
