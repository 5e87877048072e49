"""A machine that is down: a worker is left out and named, a master stops the run before anything is changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab import cgroups
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.mails import Mailbox, text_of
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Lab
from tests.e2e.support.playbook import PlaybookRun
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(900)


@contextmanager
def stopped(cluster: Cluster, name: str) -> Iterator[None]:
    """A node of the lab is shut down meanwhile; afterwards the whole cluster is ready again."""
    try:
        cluster.lab.command("stop", name)
        yield
    finally:
        cluster.lab.command("start", name)
        cluster.wait_healthy()


@contextmanager
def killed(cluster: Cluster, name: str) -> Iterator[None]:
    """The same, and nothing there has had time to say goodbye."""
    with suppress(AmalgamError):
        # On a slow disk one may outlive its killing for a while, and is awaited again by what follows.
        cgroups.kill(cluster.lab.names.node_cgroup(name))
    with stopped(cluster, name):
        yield


@dataclass(frozen=True)
class WorkerDown:
    """A run of the site, the alerts about it, and the mails that came, while a worker was dead."""

    down: str
    others: list[str]
    run: PlaybookRun
    told: set[tuple[str, str]]
    mails: Mailbox


@pytest.fixture(scope="module")
def worker_down(lab: Lab, cluster: Cluster, playbook: Callable[..., PlaybookRun]) -> WorkerDown:
    """One death of a worker for all tests about it."""
    # Of the first one's chips other tests raise alerts, whose mails may be under way yet.
    *others, down = lab.members("workers")
    monitoring = Monitoring(lab)
    mails = Mailbox(monitoring.host)
    with killed(cluster, down):
        # The hard case: a cluster that has noticed, so that what it runs on every node is not complete.
        wait_until("the cluster notices", cluster.readiness, lambda seen: seen[down] != "True", seconds=120)
        run = playbook()
        mails.wait_for("NodeDown", down, seconds=180)
        told = wait_until(
            "a second alert is about it",
            lambda: monitoring.told(node=down),
            lambda seen: "KubeNodeNotReady" in dict(seen),
            seconds=150,
        )
    return WorkerDown(down, others, run, told, mails)


def test_a_worker_that_was_killed_is_told_in_one_mail(worker_down: WorkerDown) -> None:
    told = worker_down.told
    assert {name for name, state in told if state != "suppressed"} == {"NodeDown"}, told
    about = [
        mail["Subject"]
        for mail in worker_down.mails.about(worker_down.down)
        if "resolved" not in mail["Subject"].lower()
    ]
    assert len(about) == 1, about
    assert "scale" in text_of(worker_down.mails.about("NodeDown")[0])


def test_a_worker_that_is_down_is_named_and_the_others_are_finished(worker_down: WorkerDown) -> None:
    down, run, others = worker_down.down, worker_down.run, worker_down.others
    assert run.rc != 0
    assert {host for host, count in run.counts("unreachable").items() if count} == {down}
    assert run.counts("failed") == dict.fromkeys(run.recap, 0), run.end
    assert run.plays[-1] == "Result", f"the run stopped early: {run.plays}"
    for other in others:
        assert run.recap[other]["ok"] > run.recap[down]["ok"], run.end
    result = run.output.rpartition("TASK [")[2].partition("PLAY RECAP")[0]
    assert down in result, f"the result is silent on it: {run.end}"


def test_a_master_that_is_down_stops_the_run_at_once_with_the_reason(
    lab: Lab, cluster: Cluster, playbook: Callable[..., PlaybookRun]
) -> None:
    down, monitoring = lab.members("control_plane")[0], Monitoring(lab)
    containers = lab.node(down).run("ctr --namespace k8s.io tasks list --quiet").stdout.split()
    with stopped(cluster, down):
        run = playbook()
        # Who watches is no part of the cluster, and needs none: NodeDown, after its minute, is made of this.
        wait_until(
            "nothing of it answers", lambda: monitoring.query(f'max by (node) (up{{node="{down}"}}) == 0'), seconds=60
        )
    # As on a server that has booted: for the cgroup of each container of before it, a kubelet waits seconds in vain.
    said = lab.node(down).run("journalctl --boot --unit kubelet --output cat").stdout.splitlines()
    in_vain = [line for line in said if "Failed to create existing container" in line]
    assert said
    # Some of this boot's own may have ended while they were looked at.
    assert len(in_vain) < len(containers) / 2, in_vain

    assert run.rc != 0
    assert run.plays[-1] == "The control plane and the bundle server must answer", f"it went on: {run.plays}"
    assert run.counts("changed") == dict.fromkeys(run.recap, 0), run.end
    assert f"{down} ({lab.state.node(down).address}) does not answer" in run.output, run.end
    assert "bring it back and run again" in " ".join(run.output.split())


@pytest.mark.parametrize(
    ("group", "tags", "layer", "variable", "value", "reason"),
    [
        # Its packages are installed beside everybody's; nodes that went on would wait for each of their images in vain.
        (
            "bundle_server",
            "hosts,nodes",
            "Hosts",
            "host_base_extra_packages",
            "['no-such-package'] if {} else []",
            "no-such-package",
        ),
        # A worker that went on would be joined by nobody.
        (
            "control_plane",
            "nodes,workers",
            "Nodes",
            "api_balancer_port",
            "'no-port' if {} else 6444",
            "/etc/haproxy/haproxy.cfg was refused by its validation",
        ),
    ],
    ids=["packages of the bundle server", "configuration of a master"],
)
def test_a_host_that_the_others_need_and_that_fails_among_them_ends_the_run(
    lab: Lab,
    playbook: Callable[..., PlaybookRun],
    group: str,
    tags: str,
    layer: str,
    variable: str,
    value: str,
    reason: str,
) -> None:
    failing = lab.members(group)[0]
    wrong = f"{{{{ {value.format(f'inventory_hostname == {failing!r}')} }}}}"
    run = playbook("--tags", tags, "--extra-vars", json.dumps({variable: wrong}))

    assert run.rc != 0
    assert run.plays[-1] == layer, f"it went on: {run.plays}"
    assert run.counts("changed") == dict.fromkeys(run.recap, 0), run.end
    assert reason in run.output
    assert f"{failing} failed in this layer" in " ".join(run.output.split())
