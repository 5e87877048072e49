"""An agent on every node reads what containers print, and can do nothing else."""

from __future__ import annotations

from tests.e2e.support.cluster import Cluster
from tests.testinfra.site_facts import SiteFacts

ACCOUNT = "system:serviceaccount:logging:vlagent"


def test_an_agent_runs_on_every_node(cluster: Cluster, facts: SiteFacts) -> None:
    pods = cluster.get("pods --namespace logging --selector app=vlagent")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == set(facts.names("control_plane", "workers"))
    assert {status["ready"] for pod in pods for status in pod["status"]["containerStatuses"]} == {True}


def test_an_agent_has_no_capability_and_writes_to_its_own_folder_alone(cluster: Cluster) -> None:
    spec = cluster.get("daemonset vlagent --namespace logging")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == ["/var/lib/vlagent-pods"]
    assert "memory" in container["resources"]["limits"]


def test_an_agent_may_look_at_pods_and_their_surroundings_and_no_more(cluster: Cluster) -> None:
    def may(verb: str, what: str) -> bool:
        asked = cluster.kubectl(f"auth can-i {verb} {what} --all-namespaces --as {ACCOUNT}", check=False)
        return asked.stdout.strip() == "yes"

    assert may("watch", "pods")
    assert may("get", "nodes")
    assert may("list", "namespaces")
    assert not may("get", "secrets")
    assert not may("list", "configmaps")
    assert not may("create", "pods/exec")
    assert not may("delete", "pods")
