"""Pods and their containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cluster_state.api import Object
from cluster_state.families import Family, Resource, Sample, label_samples
from cluster_state.quantities import samples

_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
# Others are the users' own, of any number.
_TOLD_LABELS = ("amalgam.internal/vc", "batch.kubernetes.io/job-name", "training/job")


def _identity(pod: Object) -> Mapping[str, str]:
    metadata = pod["metadata"]
    return {"namespace": metadata["namespace"], "pod": metadata["name"], "uid": metadata["uid"]}


def _info(pod: Object) -> Iterable[Sample]:
    spec, status = pod["spec"], pod.get("status", {})
    owners = pod["metadata"].get("ownerReferences") or []
    owner: Object = next((one for one in owners if one.get("controller")), {})
    yield (
        {
            "host_ip": status.get("hostIP", ""),
            "pod_ip": status.get("podIP", ""),
            "node": spec.get("nodeName", ""),
            "created_by_kind": owner.get("kind", ""),
            "created_by_name": owner.get("name", ""),
            "priority_class": spec.get("priorityClassName", ""),
            "host_network": "true" if spec.get("hostNetwork") else "false",
        },
        1,
    )


def _labels(pod: Object) -> Iterable[Sample]:
    labels = pod["metadata"].get("labels", {})
    told = {name: labels[name] for name in _TOLD_LABELS if name in labels}
    return label_samples(told) if told else ()


def _phase(pod: Object) -> Iterable[Sample]:
    if phase := pod.get("status", {}).get("phase"):
        for one in _PHASES:
            yield {"phase": one}, one == phase


def _ready(pod: Object) -> Iterable[Sample]:
    conditions = pod.get("status", {}).get("conditions") or []
    # That it is not so says 0 here, without two further series for each pod.
    yield {"condition": "true"}, any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _restarts(pod: Object) -> Iterable[Sample]:
    for container in pod.get("status", {}).get("containerStatuses") or []:
        yield {"container": container["name"]}, container.get("restartCount", 0)


def _requests(pod: Object) -> Iterable[Sample]:
    for container in pod["spec"]["containers"]:
        labels = {"container": container["name"], "node": pod["spec"].get("nodeName", "")}
        yield from samples(container.get("resources", {}).get("requests"), labels)


PODS = Resource(
    "/api/v1/pods",
    _identity,
    (
        Family("kube_pod_info", "Information about pod.", _info),
        Family("kube_pod_labels", "Kubernetes labels converted to Prometheus labels.", _labels),
        Family("kube_pod_status_phase", "The pods current phase.", _phase),
        Family("kube_pod_status_ready", "Describes whether the pod is ready to serve requests.", _ready),
        Family(
            "kube_pod_container_status_restarts_total",
            "The number of container restarts per container.",
            _restarts,
            kind="counter",
        ),
        Family(
            "kube_pod_container_resource_requests",
            "The number of requested request resource by a container.",
            _requests,
        ),
    ),
)
