"""The storage class is there and the default, and what provisions for it runs where the keys are."""

from __future__ import annotations

from testinfra.host import Host

from tests.e2e.support.cluster import Cluster
from tests.testinfra.site_facts import SiteFacts

NAMESPACE = "shared-volumes"


def test_the_class_is_the_default(cluster: Cluster) -> None:
    default = {
        entry["metadata"]["name"]: entry["reclaimPolicy"]
        for entry in cluster.get("storageclass")["items"]
        if entry["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    }
    assert default == {"shared": "Delete"}


def test_the_provisioner_runs_on_the_control_plane(cluster: Cluster, facts: SiteFacts) -> None:
    pods = cluster.get(f"pods --namespace {NAMESPACE} --selector app=provisioner")["items"]
    assert [pod["status"]["phase"] for pod in pods] == ["Running"]
    assert pods[0]["spec"]["nodeName"] in facts.names("control_plane")


def test_the_manager_s_key_is_on_the_control_plane_alone(each_worker: Host, each_control_plane: Host) -> None:
    assert "manager" not in each_worker.check_output("grep '^\\[' /etc/amalgam/cephfs/keyring")
    assert "[client.manager.volumes]" in each_control_plane.check_output("grep '^\\[' /etc/amalgam/cephfs/keyring")
