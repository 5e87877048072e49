"""Jobs, their gangs, and daemon sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cluster_state.api import Object
from cluster_state.families import Family, Resource, Sample, namespaced

_FAILURES = ("BackoffLimitExceeded", "DeadlineExceeded", "Evicted")


def _status(field: str) -> Callable[[Object], Iterable[Sample]]:
    return lambda item: [({}, item.get("status", {}).get(field) or 0)]


def _conditions(item: Object, kind: str) -> Iterable[Object]:
    return (one for one in item.get("status", {}).get("conditions") or [] if one["type"] == kind)


def _failed(job: Object) -> Iterable[Sample]:
    failed = job.get("status", {}).get("failed") or 0
    reasons = {condition.get("reason") for condition in _conditions(job, "Failed")}
    known = reasons.intersection(_FAILURES) if failed else set()
    if known:
        yield from (({"reason": reason}, reason in known) for reason in _FAILURES)
    else:
        yield {}, failed


def _scheduled(group: Object) -> Iterable[Sample]:
    found = next(iter(_conditions(group, "PodGroupInitiallyScheduled")), {})
    yield {}, found.get("status") == "True"


JOBS = Resource(
    "/apis/batch/v1/jobs",
    namespaced("job_name"),
    (
        Family("kube_job_info", "Information about job.", lambda _: [({}, 1)]),
        Family("kube_job_status_active", "The number of actively running pods.", _status("active")),
        Family("kube_job_status_succeeded", "The number of pods which reached Phase Succeeded.", _status("succeeded")),
        Family(
            "kube_job_status_failed",
            "The number of pods which reached Phase Failed and the reason for failure.",
            _failed,
        ),
    ),
)
DAEMON_SETS = Resource(
    "/apis/apps/v1/daemonsets",
    namespaced("daemonset"),
    (
        Family(
            "kube_daemonset_status_desired_number_scheduled",
            "The number of nodes that should be running the daemon pod.",
            _status("desiredNumberScheduled"),
        ),
        Family(
            "kube_daemonset_status_number_ready",
            "The number of nodes that should be running the daemon pod and have one or more running and ready.",
            _status("numberReady"),
        ),
    ),
)
# kube-state-metrics has nothing of them.
POD_GROUPS = Resource(
    "/apis/scheduling.k8s.io/v1beta1/podgroups",
    namespaced("podgroup"),
    (
        Family(
            "kube_podgroup_status_scheduled",
            "Whether all pods of a gang have been given nodes; once they have, it stays 1.",
            _scheduled,
        ),
    ),
)
