"""A worker is emptied for work on its machine, and nobody is mailed about it; then it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from amalgam.lab.environment import environment
from amalgam.lab.simulated_chips.on_node.machine import HEALTHY, UNHEALTHY
from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.mails import Mailbox, text_of
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Lab
from tests.e2e.support.playbook import PlaybookRun, RunningPlaybook
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(900)


def _run(lab: Lab, name: str, node: str, *options: str) -> PlaybookRun:
    command = ["-i", str(lab.inventory), f"playbooks/{name}.yml", "--limit", node, *options]
    # Alertmanager is asked by this machine, which is not in the site's network.
    done = RunningPlaybook(command, environment(lab.names)).wait()
    assert done.rc == 0, done.end
    return done


def _silenced(monitoring: Monitoring, node: str) -> bool:
    query = f"amtool --alertmanager.url http://127.0.0.1:9093/alertmanager silence query --quiet node={node}"
    return bool(monitoring.host.run(query, check=False).stdout.strip())


def _unschedulable(cluster: Cluster, node: str) -> bool:
    return bool(cluster.get(f"node {node}")["spec"].get("unschedulable", False))


def _pods(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    return list(cluster.get(f"pods --namespace {namespace}")["items"])


@contextmanager
def _ill_chip(lab: Lab, *nodes: str) -> Iterator[None]:
    try:
        for name in nodes:
            lab.node(name).run(f"simulated-chips set-health 6 {UNHEALTHY}")
        yield
    finally:
        for name in nodes:
            lab.node(name).run(f"simulated-chips set-health 6 {HEALTHY}")


def _nobody_is_mailed_about(lab: Lab, silenced: str, other: str) -> None:
    """Alerts of both come in one group: when the mail about the other one is there, none comes about this one."""
    monitoring = Monitoring(lab)
    mails = Mailbox(monitoring.host)
    with _ill_chip(lab, silenced, other):
        wait_until("it fires", lambda: monitoring.alerts("AcceleratorUnhealthy", node=silenced, chip="6"), seconds=180)
        mail = mails.wait_for("AcceleratorUnhealthy", other, seconds=180)
    assert silenced not in f"{mail['Subject']}\n{text_of(mail)}"
    assert mails.about(silenced) == []


@pytest.fixture
def worker(lab: Lab, cluster: Cluster) -> Iterator[str]:
    """One that is taken back whatever happens."""
    if not lab.members("management") or len(lab.members("workers")) < 2:
        pytest.skip("nothing can start elsewhere, or nobody watches")
    name = lab.members("workers")[-1]
    try:
        yield name
    finally:
        cluster.kubectl(f"uncordon {name}")


def test_a_worker_is_emptied_in_silence_and_taken_back(lab: Lab, cluster: Cluster, worker: str) -> None:
    monitoring = Monitoring(lab)
    with cluster.namespace("drain") as namespace:
        # Where it is asked for: on the worker that is to be emptied, while pods may start there.
        preferred = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [worker]}]}
        terms = [{"weight": 100, "preference": preferred}]
        affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}
        template = pod_template(cluster.image_of_tests(), ["pause"], {"app": "moved"}, affinity=affinity)
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": "moved"}}, "template": template}
        moved = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "moved"}, "spec": spec}
        cluster.apply(namespace, moved)
        cluster.wait(namespace, "rollout status deployment/moved")
        assert [pod["spec"]["nodeName"] for pod in _pods(cluster, namespace)] == [worker]

        assert _run(lab, "drain", worker, "--check").recap[worker]["changed"] == 2
        assert not _unschedulable(cluster, worker)
        assert not _silenced(monitoring, worker)

        _run(lab, "drain", worker)
        assert _unschedulable(cluster, worker)
        assert _silenced(monitoring, worker)
        cluster.wait(namespace, "rollout status deployment/moved")
        assert worker not in {pod["spec"]["nodeName"] for pod in _pods(cluster, namespace)}

        _nobody_is_mailed_about(lab, worker, lab.members("workers")[0])

        _run(lab, "uncordon", worker)
        assert not _unschedulable(cluster, worker)
        assert not _silenced(monitoring, worker)
        assert _run(lab, "uncordon", worker).recap[worker]["changed"] == 0
