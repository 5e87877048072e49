"""Training jobs that are there: what they are at, why they wait, and how they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from amalgam.errors import AmalgamError
from amalgam.training.schema import Object

SELECTOR = "app.kubernetes.io/component=training,app.kubernetes.io/managed-by=amalgam"
_INDEX = "batch.kubernetes.io/job-completion-index"
_LOOK_SECONDS = 1.0
_NO_PULL_SECRET = "FailedToRetrieveImagePullSecret"  # noqa: S105 - a name
"""Of a VC without projects in the registry that is as it should be; an image that cannot be pulled is told besides."""


class State(StrEnum):
    """What a job is at."""

    WAITING = "waiting"
    """For chips, or other room for all its workers."""
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPING = "stopping"


@dataclass(frozen=True)
class Worker:
    """One worker's pod, the newest of its index."""

    index: int
    pod: str
    node: str
    phase: str
    restarts: int
    last_exit: int | None
    """Exit code of the start before this one, or of the last."""


@dataclass(frozen=True)
class Training:
    """One training job."""

    name: str
    vc: str
    framework: str
    state: State
    why: str
    """Why it waits or failed; empty where there is nothing to say."""
    workers: int
    ready: int
    """Workers that run."""
    chips: dict[str, int]
    """Kind -> chips of all workers."""
    created: str
    """RFC 3339."""
    members: list[Worker] = field(default_factory=list)
    """Filled by :func:`describe` only."""
    events: list[str] = field(default_factory=list)
    """What went wrong lately, oldest first; filled by :func:`describe` only."""

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.state in (State.SUCCEEDED, State.FAILED)


class Reader(Protocol):
    """What of a cluster it takes; see :class:`~amalgam.training.cluster.Cluster`."""

    def job(self, vc: str, name: str) -> Object | None:
        """A Job, or ``None``."""

    def group(self, vc: str, name: str) -> Object | None:
        """A gang, or ``None``."""

    def jobs(self, vc: str, selector: str) -> list[Object]:
        """Jobs."""

    def groups(self, vc: str, selector: str) -> list[Object]:
        """Gangs."""

    def pods(self, vc: str, selector: str) -> list[Object]:
        """Pods."""

    def events(self, vc: str) -> list[Object]:
        """Events."""

    def delete_job(self, vc: str, name: str) -> None:
        """Delete a Job and what belongs to it."""


def find(cluster: Reader, vc: str) -> list[Training]:
    """The training jobs of a VC, oldest first.

    Raises:
        AmalgamError: the cluster does not answer, or not to this user.
    """
    groups = {one["metadata"]["name"]: one for one in cluster.groups(vc, SELECTOR)}
    found = [_training(job, groups.get(job["metadata"]["name"])) for job in cluster.jobs(vc, SELECTOR)]
    return sorted(found, key=lambda one: one.created)


def describe(cluster: Reader, vc: str, name: str) -> Training:
    """One job with its workers and what went wrong lately.

    Raises:
        AmalgamError: there is no such job.
    """
    job = _existing(cluster, vc, name)
    events = [
        f"{one['involvedObject']['kind']} {one['involvedObject']['name']}: {one['reason']}: {one.get('message', '')}"
        for one in sorted(cluster.events(vc), key=lambda one: one["metadata"]["creationTimestamp"])
        if one.get("type") == "Warning"
        and one["reason"] != _NO_PULL_SECRET
        and _concerns(one["involvedObject"]["name"], name)
    ]
    return _training(job, cluster.group(vc, name), workers(cluster, vc, name), events)


def workers(cluster: Reader, vc: str, name: str) -> list[Worker]:
    """The workers of a job by their index, each by its newest pod."""
    pods = sorted(
        cluster.pods(vc, f"batch.kubernetes.io/job-name={name}"), key=lambda pod: pod["metadata"]["creationTimestamp"]
    )
    newest = {int(pod["metadata"]["labels"][_INDEX]): pod for pod in pods}
    return [_worker(index, pod) for index, pod in sorted(newest.items())]


def await_end(cluster: Reader, vc: str, name: str, watch: Callable[[Training], None]) -> Training:
    """Wait until a job has ended, telling ``watch`` what it is at.

    Raises:
        AmalgamError: there is no such job, or it was stopped meanwhile.
    """
    while True:
        now = _training(_existing(cluster, vc, name), cluster.group(vc, name))
        watch(now)
        if now.ended:
            return now
        time.sleep(_LOOK_SECONDS)


def stop(cluster: Reader, vc: str, name: str, seconds: float = 120.0) -> None:
    """Stop a job and delete it; what it wrote stays. Ends when its workers and its gang are gone.

    Raises:
        AmalgamError: there is no such job, or it is not gone in time.
    """
    _existing(cluster, vc, name)
    cluster.delete_job(vc, name)
    deadline = time.monotonic() + seconds
    while cluster.job(vc, name) is not None or cluster.group(vc, name) is not None:
        if time.monotonic() > deadline:
            remedy = f"see what holds it: kubectl -n {vc} get job,podgroup,pod -l training/job={name}"
            raise AmalgamError(f"not gone after {seconds:.0f} s", where=f"{vc}/{name}", remedy=remedy)
        time.sleep(_LOOK_SECONDS)


def _existing(cluster: Reader, vc: str, name: str) -> Object:
    job = cluster.job(vc, name)
    if job is None or job["metadata"].get("labels", {}).get("training/job") != name:
        remedy = f"see which there are: amalgam train list --vc {vc}"
        raise AmalgamError(f"there is no training job {name}", where=f"VC {vc}", remedy=remedy)
    return job


def _concerns(involved: str, name: str) -> bool:
    """Whether an event is about the job, its gang or one of its pods (``NAME-INDEX-xxxxx``)."""
    rest = involved.removeprefix(f"{name}-").partition("-")[0]
    return involved == name or (involved.startswith(f"{name}-") and rest.isdigit())


def _training(
    job: Object, group: Object | None, members: list[Worker] | None = None, events: list[str] | None = None
) -> Training:
    spec, metadata = job["spec"], job["metadata"]
    state, why = _state(job, group)
    limits = spec["template"]["spec"]["containers"][0].get("resources", {}).get("limits", {})
    return Training(
        name=metadata["name"],
        vc=metadata["namespace"],
        framework=metadata["labels"]["training/framework"],
        state=state,
        why=why,
        workers=spec["completions"],
        ready=job.get("status", {}).get("ready") or 0,
        chips={kind: int(count) * spec["completions"] for kind, count in limits.items() if "/" in kind},
        created=metadata["creationTimestamp"],
        members=members or [],
        events=events or [],
    )


def _state(job: Object, group: Object | None) -> tuple[State, str]:
    status = job.get("status", {})
    for kind, state in (("Complete", State.SUCCEEDED), ("Failed", State.FAILED), ("FailureTarget", State.FAILED)):
        ended = _condition(status, kind)
        if ended.get("status") == "True":
            return state, "" if state is State.SUCCEEDED else f"{ended.get('reason')}: {ended.get('message')}"
    if job["metadata"].get("deletionTimestamp"):
        return State.STOPPING, ""
    scheduled = _condition((group or {}).get("status", {}), "PodGroupInitiallyScheduled")
    if scheduled.get("status") != "True":
        return State.WAITING, scheduled.get("message", "")
    return (State.RUNNING if (status.get("ready") or 0) == job["spec"]["completions"] else State.STARTING), ""


def _condition(status: Object, kind: str) -> dict[str, Any]:
    return next((one for one in status.get("conditions") or [] if one["type"] == kind), {})


def _worker(index: int, pod: Object) -> Worker:
    status = pod.get("status", {})
    container: Object = next(iter(status.get("containerStatuses") or []), {})
    ends = [container.get(key, {}).get("terminated", {}).get("exitCode") for key in ("state", "lastState")]
    return Worker(
        index=index,
        pod=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName", ""),
        phase=status.get("phase", "Pending"),
        restarts=container.get("restartCount", 0),
        last_exit=next((code for code in ends if code is not None), None),
    )
