"""Pods, and what they say of those who wait for them."""

from __future__ import annotations

from collections.abc import Iterator

from amalgam_pulumi.provider.api import Object
from amalgam_pulumi.provider.readiness.verdict import (
    READY,
    Look,
    Verdict,
    condition,
    failed,
    is_true,
    selector_of,
    waiting,
)

_USUAL = {"ContainerCreating", "PodInitializing"}


def pod_ready(live: Object, look: Look) -> Verdict:  # noqa: ARG001
    """Ready, or ended well."""
    phase = live.get("status", {}).get("phase", "Pending")
    if phase == "Failed":
        return failed(
            f"the pod failed: {'; '.join(_complaints(live)) or live['status'].get('reason', 'no reason given')}"
        )
    if phase == "Succeeded" or is_true(live, "Ready"):
        return READY
    return waiting(f"the pod is {phase}" + _because(_complaints(live)))


def pods_complain(live: Object, look: Look) -> str:
    """Why the pods of a workload are not ready, to be added to a message; empty where they say nothing."""
    labels = (live["spec"].get("selector") or {}).get("matchLabels") or {}
    if not labels:
        return ""
    pods = look("v1", "Pod", live["metadata"]["namespace"], selector_of(labels))
    found = dict.fromkeys(complaint for pod in pods for complaint in _complaints(pod))
    return _because(list(found)[:3])


def _because(complaints: list[str]) -> str:
    return f" ({'; '.join(complaints)})" if complaints else ""


def _complaints(pod: Object) -> list[str]:
    return list(_each_complaint(pod))


def _each_complaint(pod: Object) -> Iterator[str]:
    status = pod.get("status", {})
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        yield scheduled.get("message", "not scheduled")
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        state = container.get("state", {})
        reason = state.get("waiting", {}).get("reason", "")
        if reason and reason not in _USUAL:
            yield f"{container['name']}: {reason}: {state['waiting'].get('message', '')}".rstrip(": ")
        ended = state.get("terminated", {})
        if ended.get("exitCode"):
            yield f"{container['name']}: ended with exit code {ended['exitCode']}"
