"""Device plugins of ours run for the chips that the site leaves to this project, and for no others."""

from __future__ import annotations

from tests.e2e.support.cluster import Cluster
from tests.testinfra.site_facts import SiteFacts

KINDS = ("nvidia", "ascend")


def test_there_is_a_plugin_for_each_kind_that_is_ours_and_for_no_other(cluster: Cluster, facts: SiteFacts) -> None:
    sets = cluster.get("daemonsets --all-namespaces")["items"]
    ours = {one["metadata"]["name"]: one for one in sets if one["metadata"]["namespace"] == "device-plugins"}
    assert set(ours) == {kind for kind in KINDS if facts.managed(kind)}
    for kind, plugin in ours.items():
        assert plugin["status"]["numberReady"] == len(facts.managed(kind))


def test_a_runtime_class_leads_to_a_runtime_that_nodes_have(cluster: Cluster, facts: SiteFacts) -> None:
    classes = {one["metadata"]["name"]: one["handler"] for one in cluster.get("runtimeclasses")["items"]}
    assert classes == {kind: kind for kind in KINDS if facts.managed(kind)}
