"""The storage class is there and the default, and what provisions for it runs where the keys are."""

from __future__ import annotations

import json

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


def test_every_class_has_its_own_part_of_the_file_system(cluster: Cluster) -> None:
    config = json.loads(cluster.get(f"configmap provisioner --namespace {NAMESPACE}")["data"]["config.json"])
    folders = {name: entry["sharedFileSystemPath"] for name, entry in config["storageClassConfigs"].items()}
    ours = [one for one in cluster.get("storageclass")["items"] if one["provisioner"] == f"{NAMESPACE}/shared"]
    assert folders.keys() == {one["metadata"]["name"] for one in ours} >= {"shared", "vision", "nlp"}
    assert len(set(folders.values())) == len(folders)


def test_the_manager_s_key_is_on_the_control_plane_alone(each_worker: Host, each_control_plane: Host) -> None:
    assert "manager" not in each_worker.check_output("grep '^\\[' /etc/amalgam/cephfs/keyring")
    assert "[client.manager.volumes]" in each_control_plane.check_output("grep '^\\[' /etc/amalgam/cephfs/keyring")
