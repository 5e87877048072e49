"""Metrics leave a host by one port, which knows its clients by their certificates."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.testinfra.http import refusal_of_old_tls, status
from tests.testinfra.site_facts import SiteFacts

PORT = 9443
OWN_CERTIFICATE = "/etc/amalgam/metrics_gateway/server.pem"
# https://curl.se/libcurl/c/libcurl-errors.html
HANDSHAKE_FAILED = 35


def _url(facts: SiteFacts, host: Host) -> str:
    return f"https://{facts.address(host.backend.get_hostname())}:{PORT}/collectd/metrics"


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
