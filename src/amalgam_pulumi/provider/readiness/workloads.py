"""Deployment, StatefulSet, DaemonSet, Job."""

from __future__ import annotations

from amalgam_pulumi.provider.api import Object
from amalgam_pulumi.provider.readiness.pods import pods_complain
from amalgam_pulumi.provider.readiness.verdict import (
    READY,
    Look,
    Verdict,
    condition,
    failed,
    is_true,
    seen,
    waiting,
)

_UNSEEN = waiting("its controller has not seen it yet")


def deployment_ready(live: Object, look: Look) -> Verdict:
    """All replicas are of the current template and available."""
    if not seen(live):
        return _UNSEEN
    spec, status = live["spec"], live["status"]
    wanted = spec.get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated >= wanted and available >= wanted and status.get("replicas", 0) == updated:
        return READY
    message = f"{min(updated, available)} of {wanted} replicas updated and available{pods_complain(live, look)}"
    if spec.get("paused"):
        return READY
    if condition(live, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return failed(f"no progress within its deadline: {message}")
    return waiting(message)


def stateful_set_ready(live: Object, look: Look) -> Verdict:
    """All replicas are ready; with rolling updates, and of the current revision."""
    if not seen(live):
        return _UNSEEN
    spec, status = live["spec"], live["status"]
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    strategy = spec.get("updateStrategy", {})
    partition = strategy.get("rollingUpdate", {}).get("partition", 0)
    rolled = strategy.get("type") == "OnDelete" or status.get("updatedReplicas", 0) >= wanted - partition
    if ready >= wanted and (rolled or status.get("currentRevision") == status.get("updateRevision")):
        return READY
    return waiting(f"{ready} of {wanted} replicas ready{pods_complain(live, look)}")


def daemon_set_ready(live: Object, look: Look) -> Verdict:
    """On every node that it wants, available; with rolling updates, and of the current template."""
    if not seen(live):
        return _UNSEEN
    status = live["status"]
    wanted, available = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    rolled = (
        live["spec"].get("updateStrategy", {}).get("type") == "OnDelete"
        or status.get("updatedNumberScheduled", 0) >= wanted
    )
    if available >= wanted and rolled:
        return READY
    return waiting(f"available on {available} of {wanted} nodes{pods_complain(live, look)}")


def job_ready(live: Object, look: Look) -> Verdict:
    """Complete; one that is suspended waits for somebody else."""
    if is_true(live, "Failed"):
        found = condition(live, "Failed")
        return failed(
            f"the job failed: {found.get('reason', '')}: {found.get('message', '')}{pods_complain(live, look)}"
        )
    if is_true(live, "Complete") or live["spec"].get("suspend"):
        return READY
    done = live.get("status", {}).get("succeeded", 0)
    return waiting(f"{done} of {live['spec'].get('completions', 1)} completions{pods_complain(live, look)}")
