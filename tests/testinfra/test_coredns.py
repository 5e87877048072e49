"""DNS of the cluster answers for the cluster, and says no at once to the rest where the site has no others."""

from __future__ import annotations

from ipaddress import IPv4Network

from testinfra.host import Host

from amalgam.pins import load_lock
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.waiting import wait_until
from tests.testinfra.site_facts import SiteFacts

# Questions (RFC 1035, type A) from a port each, so that every server is asked; the answers to them, each as: response
# code, number of answers, the last address.
_ASK = """
import socket, struct, sys
server, name, times = sys.argv[1:]
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + bytes(1)
for _ in range(int(times)):
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.settimeout(5)
    for left in (1, 0):  # as resolvers do
        asked.sendto(struct.pack(">6H", 7, 256, 1, 0, 0, 0) + labels + struct.pack(">2H", 1, 1), (server, 53))
        try:
            answer = asked.recv(512)
            break
        except TimeoutError:
            if not left:
                raise
    print(answer[3] & 15, struct.unpack(">H", answer[6:8])[0], socket.inet_ntoa(answer[-4:]))
"""


def _ask(host: Host, cluster: Cluster, name: str, times: int = 1) -> set[tuple[str, ...]]:
    server = cluster.get("service kube-dns --namespace kube-system")["spec"]["clusterIP"]
    said = host.check_output("python3 -c %s %s %s %s", _ASK, server, name, str(times))
    return {tuple(line.split()) for line in said.splitlines()}


def test_names_of_services_are_answered(each_node: Host, cluster: Cluster, facts: SiteFacts) -> None:
    first = str(IPv4Network(facts.site.settings.network_service_cidr)[1])
    name = f"kubernetes.default.svc.{facts.site.settings.network_dns_domain}"
    assert _ask(each_node, cluster, name) == {("0", "1", first)}


def test_a_name_that_is_new_is_known_at_once_and_one_that_is_gone_no_longer(
    each_control_plane: Host, cluster: Cluster, facts: SiteFacts
) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "late"},
        "spec": {"ports": [{"port": 80}]},
    }
    with cluster.namespace("dns") as namespace:
        name = f"late.{namespace}.svc.{facts.site.settings.network_dns_domain}"

        def known() -> set[bool]:
            return {answer[:2] == ("0", "1") for answer in _ask(each_control_plane, cluster, name, 20)}

        assert known() == {False}
        cluster.apply(namespace, service)
        wait_until("it is known", known, lambda seen: seen == {True}, seconds=15)
        cluster.kubectl(f"--namespace {namespace} delete service late")
        wait_until("it is gone", known, lambda seen: seen == {False}, seconds=15)


def test_a_name_outside_is_refused_without_waiting_for_anybody(each_node: Host, cluster: Cluster) -> None:
    ((code, answers, _),) = _ask(each_node, cluster, "nowhere.example")
    assert (code != "0", answers) == (True, "0")


def test_all_servers_run_the_locked_image(cluster: Cluster, facts: SiteFacts) -> None:
    deployment = cluster.get("deployment coredns --namespace kube-system")
    pin = load_lock().image("coredns")
    assert deployment["status"]["readyReplicas"] == deployment["spec"]["replicas"]
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"{facts.registry}/{pin.repository}:{pin.tag}"
