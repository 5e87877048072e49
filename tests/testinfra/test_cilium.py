"""Services are Cilium's work, in eBPF, on every node; kube-proxy is nowhere."""

from __future__ import annotations

import json

from testinfra.host import Host

from amalgam.pins import load_lock
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.waiting import wait_until


def test_there_is_no_kube_proxy(each_node: Host, cluster: Cluster) -> None:
    assert cluster.get("daemonsets --namespace kube-system --selector k8s-app=kube-proxy")["items"] == []
    assert each_node.process.filter(comm="kube-proxy") == []


def test_an_agent_that_replaces_kube_proxy_runs_on_every_node(each_node: Host, cluster: Cluster) -> None:
    name = each_node.backend.get_hostname()
    listed = cluster.get(
        f"pods --namespace kube-system --selector k8s-app=cilium --field-selector spec.nodeName={name}"
    )
    (pod,) = (item["metadata"]["name"] for item in listed["items"])
    ask = f"--namespace kube-system exec {pod} -c cilium-agent -- cilium-dbg status -o json"
    # It warns while one of its own probes is late.
    status = wait_until(
        "the agent is well",
        lambda: json.loads(cluster.kubectl(ask).stdout),
        lambda status: status["cilium"]["state"] == "Ok",
        seconds=60,
    )
    assert status["kube-proxy-replacement"]["mode"] == "True"


def test_services_are_not_rules_of_iptables(each_node: Host) -> None:
    assert "KUBE-SVC" not in each_node.check_output("iptables-save")


def test_a_service_answers_from_every_host_of_the_cluster(each_node: Host, cluster: Cluster) -> None:
    address = cluster.get("service kubernetes --namespace default")["spec"]["clusterIP"]
    url = f"https://{address}/readyz"
    assert (
        each_node.check_output(f"curl --silent --fail --max-time 10 --cacert /etc/kubernetes/pki/ca.crt {url}") == "ok"
    )


def test_the_release_is_the_locked_version(cluster: Cluster) -> None:
    done = cluster.control_plane.run(
        "KUBECONFIG=/etc/kubernetes/admin.conf helm list --namespace kube-system --output json"
    )
    (release,) = json.loads(done.stdout)
    assert (release["status"], release["chart"]) == ("deployed", f"cilium-{load_lock().version('cilium')}")
