"""Workers of a job start together, train together, and go on where they were; a job that does not fit waits whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amalgam.lab.environment import environment
from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.tenants import claim
from tests.e2e.support.training import CHIP, PER_NODE, Vc, chips_of_workers, training_image, training_vc
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)

SCRIPTS = "opt/training"
SCRIPT, HOLDING, FOLDERS = (f"/{SCRIPTS}/{name}.py" for name in ("averaging", "hold", "folders"))
EPOCHS, KILLED, DELETED = 12, 5, 8
"""How many there are; where a worker's processes are killed, and where its pod is deleted."""


@pytest.fixture(scope="module")
def vc(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vc]:
    """A namespace to train in, and an image with the workers of the tests."""
    scratch = tmp_path_factory.mktemp("training")
    trees = {SCRIPTS: ROOT / "tests/fixtures/training"}
    with training_image(cluster, scratch, trees) as image, training_vc(cluster, image, scratch) as found:
        yield found


@pytest.fixture(scope="module")
def chips(cluster: Cluster) -> int:
    """How many chips the workers have together."""
    return chips_of_workers(cluster)


def test_a_worker_that_is_killed_or_deleted_comes_back_and_all_go_on_from_the_checkpoint(vc: Vc, chips: int) -> None:
    assert chips >= 2 * PER_NODE
    words = [SCRIPT, "--epochs", str(EPOCHS), "--hold", str(KILLED), str(DELETED)]
    vc.submit("averaging", script=words, workers=2, processes=2, chips={"kind": CHIP, "per_worker": PER_NODE})

    running = vc.kill_when_it_holds("averaging", SCRIPT, KILLED)

    before = {worker["pod"]: worker["node"] for worker in running["members"]}
    assert len(set(before.values())) == 2
    vc.await_hold("averaging", DELETED)
    # In place: the same pods, on the same nodes.
    assert {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in vc.pods("averaging")} == before

    kept, deleted = before
    vc.cluster.kubectl(f"delete pod {deleted} --namespace {vc.name}")

    ended = vc.await_state("averaging", "succeeded", "failed")
    assert ended["state"] == "succeeded", ended
    first, second = ended["members"]
    assert first["pod"] == kept
    assert first["restarts"] >= 2
    # A new one, where its chips are.
    assert second["pod"] != deleted
    assert (second["node"], second["restarts"]) == (before[deleted], 0)
    said = [vc.epochs("averaging", rank) for rank in range(4)]
    assert [{(one["rank"], one["world"]) for one in lines} for lines in said] == [{(rank, 4)} for rank in range(4)]
    assert [(one["epoch"], one["first"]) for one in said[0]] == [
        *((epoch, 0) for epoch in range(KILLED)),
        *((epoch, KILLED) for epoch in range(KILLED, DELETED)),
        *((epoch, DELETED) for epoch in range(DELETED, EPOCHS)),
    ]
    losses = [one["loss"] for one in said[0]]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 10


def test_of_two_gangs_that_need_all_chips_one_runs_whole_and_the_other_waits_whole(vc: Vc, chips: int) -> None:
    workers = chips // PER_NODE
    gangs = ("first", "second")
    node = {"kind": CHIP, "per_worker": PER_NODE}
    vc.submit("holder", script=[HOLDING], chips=node)
    wait_until("a node is taken", lambda: _bound(vc, "holder"), lambda found: found == {"holder": 1}, seconds=60)

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: vc.submit(name, script=[HOLDING], workers=workers, chips=node), gangs))
    wait_until(
        "both are told why", lambda: _jobs(vc), lambda found: all(found[gang]["why"] for gang in gangs), seconds=60
    )
    # A gang has room for all its workers but one, and holds none of it: there another job runs through.
    vc.submit("between", "--wait", command=["true"], chips=node)
    assert _bound(vc, *gangs) == dict.fromkeys(gangs, 0)
    waiting = _jobs(vc)
    assert [waiting[gang]["state"] for gang in gangs] == ["waiting", "waiting"]

    vc.await_state("holder", "running")
    _release(vc, "holder")

    def one_is_whole(found: dict[str, int]) -> bool:
        # Pods are bound one after the other; never some of one gang and some of the other.
        assert 0 in found.values(), found
        return workers in found.values()

    bound = wait_until("one gang has its nodes", lambda: _bound(vc, *gangs), one_is_whole, seconds=120)
    runs, waits = sorted(gangs, key=bound.__getitem__, reverse=True)
    vc.await_state(runs, "running")
    assert len(vc.pods(waits)) == workers
    assert _bound(vc, *gangs) == {runs: workers, waits: 0}
    assert _jobs(vc)[waits]["state"] == "waiting"

    _release(vc, runs)
    vc.await_state(runs, "succeeded")

    vc.await_state(waits, "running")
    _release(vc, waits)
    vc.await_state(waits, "succeeded")


def _bound(vc: Vc, *names: str) -> dict[str, int]:
    """Job -> how many of its pods have a node, all looked at at once."""
    pods = vc.cluster.get(f"pods --namespace {vc.name} --selector training/job")["items"]
    with_node = [pod["metadata"]["labels"]["training/job"] for pod in pods if pod["spec"].get("nodeName")]
    return {name: with_node.count(name) for name in names}


def _jobs(vc: Vc) -> dict[str, dict[str, Any]]:
    """Job -> what ``amalgam train list`` says of it."""
    return {one["name"]: one for one in json.loads(vc.run("list", "--vc", vc.name, "--json").stdout)}


def _release(vc: Vc, name: str) -> None:
    vc.execute(vc.describe(name)["members"][0]["pod"], "touch", f"/training/{name}/checkpoints/release")


def test_what_the_cluster_refuses_leaves_nothing(vc: Vc) -> None:
    refused = vc.submit("refused", check=False, command=["true"], priority="no-such-class")
    assert refused.rc == 1
    assert "no-such-class" in refused.stderr
    kinds = "jobs.batch,services,podgroups,pods"
    assert vc.cluster.get(f"{kinds} --namespace {vc.name} --selector training/job=refused")["items"] == []


def test_a_dry_run_is_checked_by_the_cluster_and_makes_nothing(vc: Vc) -> None:
    # Those that no test has a program for (docs/limits.md) among them.
    for framework in ("caffe", "cntk", "mindspore", "pytorch"):
        dry = vc.submit("dry", "--dry-run", framework=framework, command=["true"], workers=2)
        assert "would be accepted" in dry.stdout
    assert "dry" not in [one["name"] for one in json.loads(vc.run("list", "--vc", vc.name, "--json").stdout)]


def test_a_member_with_a_cap_trains_by_a_kubeconfig_of_their_own(lab: Lab, vc: Vc, tmp_path: Path) -> None:
    file = tmp_path / "bob"
    make = [program("amalgam"), "tenant", "kubeconfig", "bob", "--output", str(file), "--inventory", str(lab.inventory)]
    run_local(make, env=environment(lab.names))
    bob = replace(vc, name="vision", kubeconfig=file)
    name = "e2e-by-bob"
    try:
        one_each = {"kind": CHIP, "per_worker": 1}
        bob.submit(name, command=["sh", "-c", "echo ready; sleep 600"], workers=2, chips=one_each)
        bob.await_state(name, "running")
        own = ("logs", name, "--worker", "1", "--vc", "vision")
        wait_until("a worker speaks", lambda: bob.run(*own).stdout, lambda said: "ready" in said, seconds=30)
        assert {pod["spec"]["priorityClassName"] for pod in bob.pods(name)} == {"training-normal.vision.bob"}
        # The cap: two chips, which are taken.
        refused = bob.submit("e2e-more", "--dry-run", check=False, command=["true"], chips=one_each)
        assert (refused.rc, "exceeded quota: cap-bob" in refused.stderr) == (1, True), refused.output
        assert bob.run("list", "--vc", "nlp", check=False).rc == 1
        bob.run("stop", name, "--vc", "vision")
        assert bob.pods(name) == []
    finally:
        vc.cluster.kubectl(f"delete job {name} --namespace vision --ignore-not-found --wait=false")


def test_a_stopped_job_is_gone_and_its_name_is_free(vc: Vc) -> None:
    vc.submit("stopped", script=[HOLDING], workers=2)
    vc.await_state("stopped", "running")
    vc.run("stop", "stopped", "--vc", vc.name)
    assert vc.pods("stopped") == []
    vc.submit("stopped", "--wait", command=["true"])


def test_a_worker_finds_its_folders_and_is_followed_to_its_end(vc: Vc) -> None:
    claims = ("photos-1", "photos-2")
    vc.cluster.apply(vc.name, *(claim(name, "shared", "1Mi") for name in claims))
    written = [{"name": f"written-{name[-1]}", "claim": name, "writable": True} for name in claims]
    vc.submit("folders", script=[FOLDERS], datasets=[{"name": "photos", "claim": "photos-2"}, *written])
    vc.await_state("folders", "running")
    with vc.start("logs", "folders", "--follow", "--vc", vc.name) as followed:
        assert followed.stdout is not None
        # While it holds.
        assert json.loads(followed.stdout.readline()) == {"version": "2", "refused": "EROFS"}
        _release(vc, "folders")
        rest, _ = followed.communicate(timeout=60)
    assert (rest, followed.returncode) == ("released\n", 0)
    assert vc.file("folders/tensorboard/events.out.tfevents.0") == "scalars"
    assert vc.file("folders/logs/worker-0.log").splitlines()[-1] == "released"


def test_retries_come_later_each_time_and_end_the_job_when_they_are_used_up(vc: Vc) -> None:
    command = ["sh", "-c", 'date +%s >>"$LOG_DIR/starts"; exit 3']
    done = vc.submit("failing", "--wait", check=False, command=command, retries=2)
    assert done.rc == 1
    assert "failed" in done.stdout
    starts = [int(line) for line in vc.file("failing/logs/starts").splitlines()]
    assert len(starts) == 3
    # The kubelet's own back-off: at once, after 10 s, after 20 s.
    assert starts[2] - starts[1] >= 9
    (worker,) = vc.describe("failing")["members"]
    assert (worker["restarts"], worker["last_exit"]) == (2, 125)
