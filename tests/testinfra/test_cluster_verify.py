"""What the last step of an install compares is true when it is asked again."""

from __future__ import annotations

from amalgam.pins import load_lock
from tests.e2e.support.cluster import Cluster
from tests.testinfra.site_facts import SiteFacts


def test_every_node_is_ready_at_the_locked_version(cluster: Cluster, facts: SiteFacts) -> None:
    wanted = f"v{load_lock().version('kubernetes')}"
    nodes = {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"] for node in cluster.get("nodes")["items"]
    }
    assert nodes == dict.fromkeys(facts.names("control_plane", "workers"), wanted)
    assert set(cluster.readiness().values()) == {"True"}


def test_no_pod_of_the_system_waits_or_fails(cluster: Cluster) -> None:
    pods = cluster.get("pods --namespace kube-system")["items"]
    states = {pod["metadata"]["name"]: pod["status"]["phase"] for pod in pods}
    assert states
    assert {name: phase for name, phase in states.items() if phase not in ("Running", "Succeeded")} == {}
