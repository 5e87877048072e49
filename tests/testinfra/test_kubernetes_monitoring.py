"""The monitoring outside the cluster may look into it, and do nothing there."""

from __future__ import annotations

import base64

import pytest

from tests.e2e.support.cluster import Cluster

_ACCOUNT = "system:serviceaccount:monitoring:prometheus"


def _may(cluster: Cluster, question: str) -> bool:
    return cluster.kubectl(f"auth can-i {question} --as {_ACCOUNT}", check=False).stdout.strip() == "yes"


@pytest.mark.parametrize(
    "question",
    [
        "get /metrics",
        "get nodes --subresource=metrics",
        "watch events --all-namespaces",
        "watch pods --all-namespaces",
        "list podgroups.scheduling.k8s.io --all-namespaces",
    ],
)
def test_it_may_look(cluster: Cluster, question: str) -> None:
    assert _may(cluster, question)


@pytest.mark.parametrize(
    "question",
    [
        "get nodes --subresource=proxy",
        "list secrets --all-namespaces",
        "list configmaps --all-namespaces",
        "create pods --subresource=exec --all-namespaces",
        "create pods --all-namespaces",
        "patch nodes",
        "get /debug/pprof/",
    ],
)
def test_it_may_do_nothing_else(cluster: Cluster, question: str) -> None:
    assert not _may(cluster, question)


def _token(cluster: Cluster) -> str:
    secret = cluster.get("secret prometheus-token --namespace monitoring")
    return base64.b64decode(secret["data"]["token"]).decode()


# Scheduler and controller manager listen on the loopback address of their hosts.
@pytest.mark.parametrize(
    ("port", "path"), [(6443, "/metrics"), (10250, "/metrics/cadvisor"), (10257, "/metrics"), (10259, "/metrics")]
)
def test_its_token_opens_the_metrics_of_the_control_plane_and_kubelet(cluster: Cluster, port: int, path: str) -> None:
    # By standard input: arguments can be read by every user of the host.
    header = f'header = "Authorization: Bearer {_token(cluster)}"\n'
    address = f"https://127.0.0.1:{port}{path}"
    command = f"curl --insecure --silent --output /dev/null --write-out '%{{http_code}}' {address}"
    assert cluster.control_plane.run(f"{command} --config -", stdin=header).stdout == "200"
    assert cluster.control_plane.run(command).stdout in ("401", "403")


def test_no_pod_runs_there(cluster: Cluster) -> None:
    assert cluster.get("pods --namespace monitoring")["items"] == []
