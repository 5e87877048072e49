"""What a job is at follows from what the cluster says of its Job, its gang and its pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from amalgam.errors import AmalgamError
from amalgam.training import jobs
from amalgam.training.jobs import State
from amalgam.training.parameters import TrainingJob
from amalgam.training.render import render
from amalgam.training.submit import submit

from .simulated_cluster import SimulatedCluster

SCHEDULED = {"type": "PodGroupInitiallyScheduled", "status": "True"}
NO_ROOM = {"type": "PodGroupInitiallyScheduled", "status": "False", "message": "0/4 nodes have nvidia.com/gpu"}


@pytest.fixture
def cluster(job: Callable[..., TrainingJob]) -> SimulatedCluster:
    """With a job of two workers that has been submitted."""
    made = SimulatedCluster()
    flowers = job(chips={"kind": "nvidia.com/gpu", "per_worker": 8})
    submit(made, flowers, render(flowers))
    return made


def _set(cluster: SimulatedCluster, group: list[dict[str, str]], **status: Any) -> None:
    cluster.objects["PodGroup", "flowers"]["status"] = {"conditions": group}
    cluster.objects["Job", "flowers"]["status"] = status


@pytest.mark.parametrize(
    ("group", "status", "state", "why"),
    [
        ([], {}, State.WAITING, ""),
        ([NO_ROOM], {"active": 2}, State.WAITING, "0/4 nodes have nvidia.com/gpu"),
        ([SCHEDULED], {"active": 2, "ready": 1}, State.STARTING, ""),
        ([SCHEDULED], {"active": 2, "ready": 2}, State.RUNNING, ""),
        ([SCHEDULED], {"conditions": [{"type": "Complete", "status": "True"}]}, State.SUCCEEDED, ""),
        (
            [SCHEDULED],
            {
                "conditions": [
                    {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": "exit code 125"}
                ]
            },
            State.FAILED,
            "PodFailurePolicy: exit code 125",
        ),
    ],
)
def test_a_jobs_state_is_told_with_its_reason(
    cluster: SimulatedCluster, group: list[dict[str, str]], status: dict[str, Any], state: State, why: str
) -> None:
    _set(cluster, group, **status)
    (found,) = jobs.find(cluster, "vision")
    assert (found.state, found.why) == (state, why)
    assert (found.workers, found.chips, found.framework) == (2, {"nvidia.com/gpu": 16}, "pytorch")


def _pod(cluster: SimulatedCluster, name: str, created: str, **container: Any) -> None:
    labels = {"batch.kubernetes.io/job-name": "flowers", "batch.kubernetes.io/job-completion-index": name[8]}
    cluster.add(
        "Pod",
        name,
        metadata={"labels": labels, "creationTimestamp": created},
        spec={"nodeName": "gpu1"},
        status={"phase": "Running", "containerStatuses": [container]},
    )


def test_workers_are_their_newest_pods_with_their_last_exit(cluster: SimulatedCluster) -> None:
    _pod(cluster, "flowers-1-aaaaa", "2026-11-23T12:00:00Z", state={"running": {}})
    _pod(
        cluster, "flowers-0-bbbbb", "2026-11-23T12:00:01Z", restartCount=2, lastState={"terminated": {"exitCode": 137}}
    )
    _pod(cluster, "flowers-0-ccccc", "2026-11-23T12:00:00Z", state={"terminated": {"exitCode": 1}})

    found = jobs.describe(cluster, "vision", "flowers").members

    assert [(one.index, one.pod, one.restarts, one.last_exit) for one in found] == [
        (0, "flowers-0-bbbbb", 2, 137),
        (1, "flowers-1-aaaaa", 0, None),
    ]


def test_only_warnings_of_the_job_itself_are_told(cluster: SimulatedCluster) -> None:
    for name, kind in [
        ("flowers", "Job"),
        ("flowers-0-bbbbb", "Pod"),
        ("flowers-big", "Job"),
        ("flowers-big-0-x", "Pod"),
    ]:
        cluster.happened.append(
            {
                "type": "Warning",
                "reason": "FailedCreate",
                "message": f"quota of {name}",
                "involvedObject": {"kind": kind, "name": name},
                "metadata": {"creationTimestamp": "2026-11-23T12:00:00Z"},
            }
        )
    # A VC without projects of the registry has no Secret to pull with.
    cluster.happened.append({**cluster.happened[0], "reason": "FailedToRetrieveImagePullSecret"})
    assert jobs.describe(cluster, "vision", "flowers").events == [
        "Job flowers: FailedCreate: quota of flowers",
        "Pod flowers-0-bbbbb: FailedCreate: quota of flowers-0-bbbbb",
    ]


def test_a_stopped_job_is_gone_with_all_that_belongs_to_it(cluster: SimulatedCluster) -> None:
    jobs.stop(cluster, "vision", "flowers")
    assert cluster.kinds() == []


def test_a_job_that_does_not_go_is_named(cluster: SimulatedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "delete_job", lambda *_: None)
    with pytest.raises(AmalgamError, match="not gone after 0 s"):
        jobs.stop(cluster, "vision", "flowers", seconds=0)


def test_jobs_of_others_are_no_training_jobs(cluster: SimulatedCluster) -> None:
    cluster.add("Job", "backup")
    for action in (jobs.describe, jobs.stop):
        with pytest.raises(AmalgamError, match="there is no training job backup"):
            action(cluster, "vision", "backup")
    assert [one.name for one in jobs.find(cluster, "vision")] == ["flowers"]


def test_a_wait_ends_with_the_job(cluster: SimulatedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter([{"active": 2}, {"active": 2, "ready": 2}, {"conditions": [{"type": "Complete", "status": "True"}]}])
    seen: list[State] = []
    monkeypatch.setattr(jobs, "_LOOK_SECONDS", 0)

    def watch(now: jobs.Training) -> None:
        seen.append(now.state)
        if not now.ended:
            _set(cluster, [SCHEDULED], **next(steps))

    assert jobs.await_end(cluster, "vision", "flowers", watch).state is State.SUCCEEDED
    assert seen == [State.WAITING, State.STARTING, State.RUNNING, State.SUCCEEDED]
