"""Nodes cannot reach outside, every try is counted, and nothing but this test tries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.egress import OUTSIDE, attempts_to_leave
from tests.e2e.support.nodes import Lab, Node

pytestmark = pytest.mark.timeout(300)

_NETWORKS = tuple(map(ip_network, ("10.0.0.0/8", "127.0.0.0/8", "0.0.0.0/32", "::1/128", "fe80::/10")))

# How programs say that they tried to reach something; the group is what.
_TRIED = tuple(
    re.compile(pattern)
    for pattern in (
        r"dial (?:tcp|udp)[46]? (?:\[(?P<six>[^\]]+)\]|(?P<four>[^\s:,\"\\]+)):\d+",
        r"lookup (?P<name>[^\s:,\"\\]+)(?:: | on )",
        r"Could not resolve (?:host: )?'?(?P<host>[^\s'\"]+)",
        r"Temporary failure (?:resolving|in name resolution:?) '(?P<resolving>[^']+)'",
        r"(?:Failed to connect to|Could not connect to|Connecting to) (?P<peer>[A-Za-z0-9.-]+)",
        r"(?:Selected source|Source) (?P<clock>\d+\.\d+\.\d+\.\d+)",
    )
)


def _tried(text: str) -> Iterator[str]:
    for pattern in _TRIED:
        for match in pattern.finditer(text):
            yield next(group for group in match.groups() if group)


def _inside(target: str, lab: Lab) -> bool:
    settings = lab.site.settings
    try:
        address = ip_address(target)
    except ValueError:
        domains = (settings.site_domain, settings.network_dns_domain, f"{settings.network_dns_domain}.", "svc")
        # A name of one label is nobody's outside: a resolver looks for it in the site's own domains.
        return "." not in target or target.endswith(tuple(f".{domain}" for domain in domains))
    return any(address in network for network in _NETWORKS if network.version == address.version)


def _probe(node: Node, port: int) -> None:
    done = node.run(f"curl --silent --max-time 2 http://{OUTSIDE}:{port}/", check=False)
    assert done.rc in (7, 28), f"{node.name} reached {OUTSIDE}: curl ended with {done.rc}"


def test_no_node_reaches_an_address_outside_and_each_try_is_counted(lab: Lab) -> None:
    for port, node in enumerate(lab.nodes(), start=7001):
        _probe(node, port)
        counted = {(one.source, one.destination, one.port) for one in lab.egress() if one.packets}
        assert (node.address, OUTSIDE, port) in counted, f"the try of {node.name} was not counted: {counted}"


def test_no_node_resolves_a_name_outside(lab: Lab) -> None:
    for node in lab.nodes():
        assert node.run("getent hosts amalgam.example.com", check=False, seconds=30).rc != 0


def test_no_pod_reaches_an_address_outside(cluster: Cluster) -> None:
    with cluster.namespace("air-gap") as namespace:
        template = pod_template(
            cluster.image_of_tests(), ["connect", "--timeout=3s", f"{OUTSIDE}:7100"], {}, restartPolicy="Never"
        )
        cluster.apply(namespace, {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": "probe"}})
        cluster.wait(namespace, "wait --for=jsonpath={.status.phase}=Failed pod/probe")

    assert any(one.destination == OUTSIDE and one.port == 7100 for one in cluster.lab.egress())


def test_nothing_else_ever_tried_to_leave(lab: Lab) -> None:
    assert attempts_to_leave(lab) == []


@pytest.mark.parametrize(
    "line",
    [
        'Get "https://outside.example.com/v2/": dial tcp: lookup outside.example.com on [::1]:53: no such host',
        'failed to do request: Head "https://x/": dial tcp 203.0.113.5:443: i/o timeout',
        "curl: (6) Could not resolve host: outside.example.com",
        "W: Failed to fetch http://x  Temporary failure resolving 'outside.example.com'",
        "curl: (28) Failed to connect to outside.example.com port 443",
        "Err:1 http://x  Could not connect to outside.example.com:80 (203.0.113.5), connection timed out",
        "Selected source 203.0.113.5",
    ],
)
def test_a_try_that_programs_write_into_their_logs_is_recognised(lab: Lab, line: str) -> None:
    assert {target for target in _tried(line) if not _inside(target, lab)} <= {"outside.example.com", "203.0.113.5"}
    assert any(not _inside(target, lab) for target in _tried(line))


@pytest.mark.parametrize(
    "line",
    [
        # journald, where it starts while systemd does not listen.
        "Failed to connect to notify socket: Connection refused",
        "user lookup failed: no such process",
    ],
)
def test_what_only_reads_like_a_try_is_none(lab: Lab, line: str) -> None:
    assert [target for target in _tried(line) if not _inside(target, lab)] == []


def test_the_logs_of_the_nodes_name_no_target_outside(lab: Lab) -> None:
    for node in lab.nodes():
        journal = node.run("journalctl --no-pager --output cat").stdout
        pods = node.run("find /var/log/pods -name '*.log' -exec cat {} + 2>/dev/null || true").stdout
        assert journal
        outside = {target for target in _tried(journal + pods) if not _inside(target, lab)} - {OUTSIDE}
        assert outside == set(), f"{node.name} tried to reach {outside}"
