"""The control plane keeps secrets: encrypted in etcd, out of the audit log, and behind a login."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from testinfra.host import Host

from amalgam.pins import load_lock
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.waiting import wait_until
from tests.testinfra.http import HANDSHAKE_FAILED, refusal_of_old_tls, status
from tests.testinfra.site_facts import SiteFacts

AUDIT_LOG = "/var/log/kubernetes/audit/audit.log"
_ETCD = "/etc/kubernetes/pki/etcd"
_ETCDCTL = " ".join(
    [
        "etcdctl --endpoints https://127.0.0.1:2379",
        f"--cacert {_ETCD}/ca.crt --cert {_ETCD}/server.crt --key {_ETCD}/server.key",
    ]
)
CLUSTER_CA = "/etc/kubernetes/pki/ca.crt"


@dataclass(frozen=True)
class Canary:
    """A Secret in the cluster, made for the test."""

    namespace: str
    value: str


@pytest.fixture(scope="module")
def canary(cluster: Cluster) -> Iterator[Canary]:
    """A Secret with a value that is nowhere else."""
    value = f"canary-{secrets.token_hex(16)}"
    with cluster.namespace("canary") as namespace:
        cluster.apply(
            namespace,
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "canary"}, "stringData": {"value": value}},
        )
        yield Canary(namespace, value)


def _status(host: Host, facts: SiteFacts, path: str, *options: str) -> str:
    return status(host, f"https://{facts.api}{path}", *options, ca=CLUSTER_CA)


def test_a_secret_is_encrypted_in_etcd(each_control_plane: Host, canary: Canary) -> None:
    key = f"/registry/secrets/{canary.namespace}/canary"
    raw = each_control_plane.run(f"{_ETCDCTL} get {key} --print-value-only").stdout_bytes
    assert raw.startswith(b"k8s:enc:secretbox:v1:key1:")
    assert canary.value.encode() not in raw


def test_what_is_no_secret_can_be_read_in_etcd(each_control_plane: Host) -> None:
    """So that the test above would notice if it read nothing at all."""
    raw = each_control_plane.run(f"{_ETCDCTL} get /registry/namespaces/default --print-value-only").stdout_bytes
    assert raw.startswith(b"k8s\x00")


def test_writing_a_secret_is_in_the_audit_log_and_its_value_is_not(
    cluster: Cluster, each_control_plane: Host, canary: Canary, facts: SiteFacts
) -> None:
    if each_control_plane.backend.get_hostname() == facts.names("control_plane")[0]:
        # The balancer may have sent the request to any API server: the logs are looked through together.
        nodes = [cluster.lab.node(name) for name in facts.names("control_plane")]

        def lines() -> str:
            return "".join(node.run(f"grep -h {canary.namespace} {AUDIT_LOG}", check=False).stdout for node in nodes)

        log = wait_until("the Secret is in the audit log", lines, lambda seen: '"name":"canary"' in seen, seconds=30)
        entries = [json.loads(line) for line in log.splitlines()]
        written = [entry for entry in entries if entry.get("objectRef", {}).get("resource") == "secrets"]
        assert {entry["level"] for entry in written} == {"Metadata"}
    assert each_control_plane.run(f"grep --quiet {canary.value} {AUDIT_LOG}").rc == 1


def test_without_a_login_only_health_may_be_read(each_node: Host, facts: SiteFacts) -> None:
    readable = {path for path in ("/livez", "/readyz", "/healthz") if _status(each_node, facts, path) == "200"}
    assert readable == {"/livez", "/readyz", "/healthz"}
    for path in ("/", "/api", "/api/v1/namespaces", "/api/v1/secrets", "/version", "/metrics", "/openapi/v2"):
        assert _status(each_node, facts, path) == "401", path


def test_a_joining_node_may_read_the_one_thing_it_asks_for_first(each_node: Host, facts: SiteFacts) -> None:
    path = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
    assert _status(each_node, facts, path) == "200"
    assert _status(each_node, facts, path, "--request", "DELETE") in ("401", "403")


def test_old_tls_is_refused(each_control_plane: Host, facts: SiteFacts) -> None:
    assert refusal_of_old_tls(each_control_plane, f"https://{facts.api}/readyz", ca=CLUSTER_CA) == HANDSHAKE_FAILED


def test_keys_and_kubeconfigs_are_for_root_alone(each_control_plane: Host) -> None:
    names = r"\( -name '*.key' -o -name '*.conf' -o -name encryption.yaml \)"
    found = f"find /etc/kubernetes /etc/amalgam/kube-apiserver -type f {names}"
    assert len(each_control_plane.check_output(found).splitlines()) > 8
    assert each_control_plane.check_output(f"{found} -perm /177") == ""


def test_etcds_data_is_for_root_alone(each_control_plane: Host) -> None:
    assert each_control_plane.file("/var/lib/etcd").mode == 0o700


def test_the_control_plane_is_the_locked_version(cluster: Cluster) -> None:
    lock = load_lock()
    pods = cluster.get("pods --namespace kube-system --selector tier=control-plane")["items"]
    images = {pod["spec"]["containers"][0]["image"].partition("/")[2] for pod in pods}
    wanted = [lock.image(name) for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")]
    assert images == {f"{pin.repository}:{pin.tag}" for pin in wanted}


def test_a_node_may_neither_read_others_nor_label_itself_as_trusted(each_worker: Host, facts: SiteFacts) -> None:
    own = each_worker.backend.get_hostname()
    other = next(name for name in facts.names("control_plane", "workers") if name != own)
    kubectl = "kubectl --kubeconfig /etc/kubernetes/kubelet.conf"
    assert each_worker.run(f"{kubectl} get node {own}").rc == 0
    assert "only its own Node object" in each_worker.run(f"{kubectl} get node {other}").stderr
    # By such labels a site keeps pods to nodes that it trusts (the admission plugin NodeRestriction).
    labelled = each_worker.run(
        f"{kubectl} label --dry-run=server node {own} node-restriction.kubernetes.io/trusted=yes"
    )
    assert "not allowed to modify labels" in labelled.stderr


def test_no_service_takes_the_traffic_of_other_addresses(cluster: Cluster) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "taker", "namespace": "default"},
        "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]},
    }
    made = cluster.kubectl("create --dry-run=server --filename -", stdin=json.dumps(service), check=False)
    assert "external IPs is denied" in made.output


def test_profiling_is_off_even_for_administrators(cluster: Cluster) -> None:
    assert cluster.kubectl("get --raw /debug/pprof/", check=False).rc != 0


def test_gangs_are_served_and_known_to_scheduler_and_controllers(cluster: Cluster) -> None:
    served = json.loads(cluster.kubectl("get --raw /apis/scheduling.k8s.io/v1beta1").stdout)
    assert "podgroups" in {resource["name"] for resource in served["resources"]}
    pods = cluster.get("pods --namespace kube-system --selector tier=control-plane")["items"]
    for pod in pods:
        if pod["metadata"]["labels"]["component"] != "etcd":
            assert "--feature-gates=GenericWorkload=true" in pod["spec"]["containers"][0]["command"]
