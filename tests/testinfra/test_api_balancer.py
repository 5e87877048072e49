"""Every node reaches an API server on its own loopback address, and nobody else reaches the balancer."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.site_facts import SiteFacts

CLUSTER_CA = "/etc/kubernetes/pki/ca.crt"


def test_an_api_server_answers_by_the_balancer_and_proves_itself(each_node: Host, facts: SiteFacts) -> None:
    assert each_node.check_output(f"curl --silent --fail --cacert {CLUSTER_CA} https://{facts.api}/readyz") == "ok"


def test_the_balancer_listens_on_loopback_only(each_node: Host, facts: SiteFacts) -> None:
    sockets = each_node.check_output(
        f"ss --listening --tcp --numeric --no-header 'sport = :{facts.port('api_balancer')}'"
    )
    addresses = {line.split()[3].rpartition(":")[0] for line in sockets.splitlines()}
    assert addresses == {"127.0.0.1"}


def test_every_api_server_is_balanced_over(each_node: Host, facts: SiteFacts) -> None:
    settings = each_node.check_output("cat /etc/haproxy/haproxy.cfg")
    servers = {line.split()[2] for line in settings.splitlines() if line.strip().startswith("server ")}
    assert servers == {f"{facts.address(name)}:6443" for name in facts.names("control_plane")}


def test_the_balancer_runs_at_boot(each_node: Host) -> None:
    assert each_node.service("haproxy").is_running
    assert each_node.service("haproxy").is_enabled
