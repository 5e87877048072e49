"""A node that has joined holds what it needs and no more, and the means to join do not outlive the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from testinfra.host import Host

from tests.e2e.support.cluster import Cluster
from tests.testinfra.site_facts import SiteFacts


def test_the_nodes_of_the_cluster_are_those_of_the_inventory(cluster: Cluster, facts: SiteFacts) -> None:
    names = {node["metadata"]["name"] for node in cluster.get("nodes")["items"]}
    assert names == set(facts.names("control_plane", "workers"))


def test_a_worker_holds_no_key_of_the_control_plane(each_worker: Host) -> None:
    assert (
        each_worker.check_output("find /etc/kubernetes -name '*.key' -o -name 'admin.conf' -o -name 'super-admin.conf'")
        == ""
    )


def test_pods_of_users_land_on_workers_alone(cluster: Cluster, facts: SiteFacts) -> None:
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    tainted = {
        node["metadata"]["name"] for node in cluster.get("nodes")["items"] if taint in node["spec"].get("taints", [])
    }
    assert tainted == set(facts.names("control_plane")) - set(facts.names("workers"))


def test_every_token_to_join_ends(cluster: Cluster) -> None:
    tokens = cluster.get("secrets --namespace kube-system --field-selector type=bootstrap.kubernetes.io/token")["items"]
    assert [token["metadata"]["name"] for token in tokens if "expiration" not in token["data"]] == []


def test_nothing_of_a_join_is_left_on_a_node(each_node: Host) -> None:
    assert each_node.check_output("find /etc/kubernetes /var/lib/amalgam -name '*bootstrap*'") == ""


def test_certificates_of_kubelets_do_not_last_for_decades(each_node: Host) -> None:
    end = each_node.check_output("openssl x509 -noout -enddate -in /var/lib/kubelet/pki/kubelet-client-current.pem")
    when = datetime.strptime(end.partition("=")[2], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    assert timedelta(0) < when - datetime.now(UTC) < timedelta(days=400)
