"""Every node says which chips it has, in the words of the field, and nodes without chips say nothing."""

from __future__ import annotations

from amalgam.chips.labels import worker_marks
from amalgam.chips.table import ASCEND, KINDS
from tests.e2e.support.cluster import Cluster
from tests.testinfra.site_facts import SiteFacts

OURS = {label for kind in KINDS for label in worker_marks("node", kind.accelerator, "amd64").labels}


def test_every_node_has_the_labels_of_its_chips_and_no_others_of_them(cluster: Cluster, facts: SiteFacts) -> None:
    nodes = {node["metadata"]["name"]: node["metadata"]["labels"] for node in cluster.get("nodes")["items"]}
    for host in facts.site.hosts:
        if host.name in nodes:
            wanted = worker_marks(host.name, host.accelerator, host.architecture).labels
            assert {key: value for key, value in nodes[host.name].items() if key in OURS} == wanted


def test_labels_are_applied_under_a_manager_of_our_own(cluster: Cluster, facts: SiteFacts) -> None:
    marked = [host.name for host in facts.site.hosts if host.accelerator]
    for name in marked:
        fields = cluster.get(f"node {name} --show-managed-fields")["metadata"]["managedFields"]
        assert [one["operation"] for one in fields if one["manager"] == "amalgam"] == ["Apply"]


def test_nodes_with_npus_are_kept_for_pods_that_ask_for_one(cluster: Cluster, facts: SiteFacts) -> None:
    ours = {kind.taint["key"] for kind in KINDS}
    nodes = {node["metadata"]["name"]: node["spec"].get("taints", []) for node in cluster.get("nodes")["items"]}
    for host in facts.site.hosts:
        if host.name in nodes:
            wanted = [ASCEND.taint] if host.accelerator == ASCEND.accelerator else []
            assert [taint for taint in nodes[host.name] if taint["key"] in ours] == wanted
