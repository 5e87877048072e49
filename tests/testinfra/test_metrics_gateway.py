"""Metrics leave a host by one port, which knows its clients by their certificates."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testinfra.host import Host

from tests.e2e.support.waiting import wait_until
from tests.testinfra.conftest import Connect
from tests.testinfra.http import refusal_of_old_tls, status
from tests.testinfra.site_facts import SiteFacts

PORT = 9443
OWN_CERTIFICATE = "/etc/amalgam/metrics_gateway/server.pem"
# https://curl.se/libcurl/c/libcurl-errors.html
HANDSHAKE_FAILED = 35

# What speaks without TLS: group, path at the gateway, port.
PLAIN = [
    ("control_plane", "etcd", 2381),
    ("control_plane", "cilium", 9962),
    ("workers", "cilium", 9962),
    ("control_plane", "pod-logs", 9430),
    ("workers", "pod-logs", 9430),
    ("storage", "ceph", 9283),
    ("bundle_server", "registry", 5002),
]
# What asks for a token, too: scheduler and controller manager.
WITH_TOKEN = [10257, 10259]
CILIUM_OPERATOR = 9963


def _url(facts: SiteFacts, host: Host) -> str:
    return f"https://{facts.address(host.backend.get_hostname())}:{PORT}/collectd/metrics"


def _listening(host: Host, port: int) -> set[str]:
    lines = host.check_output("ss --no-header --listening --tcp --numeric %s", f"sport = :{port}").splitlines()
    return {line.split()[3] for line in lines}


def test_whoever_has_no_certificate_is_refused(each_host: Host, facts: SiteFacts) -> None:
    done = each_host.run(
        "curl --silent --show-error --tlsv1.3 --cacert /etc/amalgam/pki/ca.crt %s", _url(facts, each_host)
    )
    assert "certificate required" in done.stderr


@pytest.mark.parametrize("versions", [("--tlsv1.3",), ("--tls-max", "1.2")])
def test_a_certificate_of_a_host_is_none_of_a_client(
    each_host: Host, facts: SiteFacts, versions: tuple[str, ...]
) -> None:
    assert status(each_host, _url(facts, each_host), "--cert", OWN_CERTIFICATE, *versions) == "000"


def test_old_tls_is_refused(each_host: Host, facts: SiteFacts) -> None:
    assert refusal_of_old_tls(each_host, _url(facts, each_host)) == HANDSHAKE_FAILED


def test_the_key_is_for_the_gateway_only(each_host: Host) -> None:
    file = each_host.file(OWN_CERTIFICATE)
    assert (file.mode, file.user, file.group) == (0o640, "root", "haproxy")


def test_the_gateway_runs_at_boot_and_not_as_root(each_host: Host) -> None:
    service = each_host.service("metrics-gateway")
    assert service.is_running
    assert service.is_enabled
    main = each_host.check_output("systemctl show --property MainPID --value metrics-gateway")
    assert each_host.check_output("ps --no-headers -o user %s", main).strip() == "haproxy"


@pytest.mark.parametrize(("group", "exporter", "port"), PLAIN)
def test_what_speaks_without_tls_is_on_the_loopback_and_read_by_the_gateway_with_a_certificate(
    connect: Connect, another_host: Callable[[Host], Host], facts: SiteFacts, group: str, exporter: str, port: int
) -> None:
    prometheus = connect(facts.names("management")[0])
    certificate = ("--cert", "/etc/prometheus/pki/client.crt", "--key", "/etc/prometheus/pki/client.key")
    for name in facts.names(group):
        assert _listening(connect(name), port) == {f"127.0.0.1:{port}"}, name
        address, other = facts.address(name), another_host(connect(name))
        assert status(other, f"http://{address}:{port}/metrics", "--connect-timeout", "1") == "000", name
        gateway = f"https://{address}:{PORT}/{exporter}/metrics"
        assert status(prometheus, gateway) == "000", "without a certificate"
        wait_until(
            f"the {exporter} of {name} is read",
            lambda gateway=gateway: status(prometheus, gateway, *certificate),
            lambda code: code == "200",
            seconds=60,
        )


@pytest.mark.parametrize("port", WITH_TOKEN)
def test_what_asks_for_a_token_is_on_the_loopback_too(each_control_plane: Host, port: int) -> None:
    assert _listening(each_control_plane, port) == {f"127.0.0.1:{port}"}


def test_metrics_that_nobody_reads_are_not_served(each_node: Host) -> None:
    """Of the operator, which runs on any of them."""
    assert _listening(each_node, CILIUM_OPERATOR) == set()
