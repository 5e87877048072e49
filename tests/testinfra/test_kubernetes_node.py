"""The kubelet is the locked one, under its own address, and tells strangers nothing."""

from __future__ import annotations

import json

from testinfra.host import Host

from amalgam.pins import load_lock
from tests.e2e.support.cluster import Cluster
from tests.testinfra.http import status
from tests.testinfra.site_facts import SiteFacts


def test_the_kubelet_is_the_locked_version(each_node: Host) -> None:
    assert each_node.check_output("kubelet --version") == f"Kubernetes v{load_lock().version('kubernetes')}"


def test_the_kubelet_runs_now_and_at_boot(each_node: Host) -> None:
    assert each_node.service("kubelet").is_running
    assert each_node.service("kubelet").is_enabled


def test_the_kubelet_does_not_miss_the_folder_of_static_pods(each_node: Host) -> None:
    run = each_node.check_output("systemctl show --property InvocationID --value kubelet")
    said = each_node.check_output(f"journalctl _SYSTEMD_INVOCATION_ID={run} --output cat")
    assert said
    assert "Unable to read config path" not in said
    assert each_node.file("/etc/kubernetes/manifests").mode == 0o700


def test_a_node_is_known_by_the_address_of_the_inventory(each_node: Host, facts: SiteFacts, cluster: Cluster) -> None:
    name = each_node.backend.get_hostname()
    addresses = cluster.get(f"node {name}")["status"]["addresses"]
    assert {entry["address"] for entry in addresses if entry["type"] == "InternalIP"} == {facts.address(name)}


def test_the_kubelet_answers_nobody_without_a_certificate(each_node: Host, facts: SiteFacts) -> None:
    address = facts.address(each_node.backend.get_hostname())
    assert status(each_node, f"https://{address}:10250/pods", "--insecure") == "401"
    assert not each_node.socket("tcp://10255").is_listening


def test_a_node_routes_its_pods_packets(each_node: Host) -> None:
    assert each_node.sysctl("net.ipv4.ip_forward") == 1


def test_kubeadm_ran_to_its_end(each_node: Host) -> None:
    assert each_node.file("/var/lib/amalgam/kubeadm/done").exists
    assert not each_node.file("/var/lib/amalgam/kubeadm/started").exists


def test_the_nodes_credentials_are_for_root_alone(each_node: Host) -> None:
    assert each_node.file("/etc/kubernetes/kubelet.conf").mode == 0o600
    assert each_node.check_output("find -L /var/lib/kubelet/pki -name '*.pem' -perm /077") == ""


def test_the_kubelet_runs_with_what_the_site_wants_of_it(each_node: Host, cluster: Cluster) -> None:
    name = each_node.backend.get_hostname()
    running = json.loads(cluster.kubectl(f"get --raw /api/v1/nodes/{name}/proxy/configz").stdout)["kubeletconfig"]
    assert (running["tlsMinVersion"], running["serializeImagePulls"]) == ("VersionTLS12", False)
