"""Events of Kubernetes as lines of a log.

The keys are those by which the log store tells whose a line is: a VC's members read the lines whose
``kubernetes.pod_namespace`` is theirs, whether a line is a pod's own or an event about something of theirs.
"""

from __future__ import annotations

from cluster_state.api import Object

PATH = "/api/v1/events"


def record(event: Object) -> Object:
    """The line of an event; keys without a value are left out."""
    involved = event["involvedObject"]
    kind, name = involved.get("kind", ""), involved.get("name", "")
    source = event.get("source") or {}
    keys = {
        "time": _time(event),
        "message": event.get("message") or event.get("reason") or "(no message)",
        "kubernetes.pod_namespace": involved.get("namespace"),
        "kubernetes.pod_name": name if kind == "Pod" else None,
        "node": name if kind == "Node" else _host(event),
        "level": "warning" if event.get("type") == "Warning" else "info",
        "reason": event.get("reason"),
        "type": event.get("type"),
        "count": (event.get("series") or {}).get("count") or event.get("count") or 1,
        "event_uid": event["metadata"]["uid"],
        "object_kind": kind,
        "object_name": name,
        "component": source.get("component") or event.get("reportingComponent"),
    }
    return {key: value for key, value in keys.items() if value}


def _time(event: Object) -> str:
    """When it was last seen: which field says so depends on the API that it was written by."""
    found: str = (
        event.get("lastTimestamp")
        or (event.get("series") or {}).get("lastObservedTime")
        or event.get("eventTime")
        or event["metadata"]["creationTimestamp"]
    )
    return found


def _host(event: Object) -> str | None:
    """The node that reports it. Other components' instances are names of pods, or of nothing."""
    host: str | None = (event.get("source") or {}).get("host")
    reported_by_kubelet = event.get("reportingComponent") == "kubelet"
    return host or (event.get("reportingInstance") if reported_by_kubelet else None)
