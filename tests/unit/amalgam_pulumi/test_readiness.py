from typing import Any

import pytest

from amalgam_pulumi.provider.readiness import rule_of


def _deployment(**status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "n", "generation": 2},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "a"}}},
        "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, **status},
    }


def _simple(version: str, kind: str, spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "a", "namespace": "n", "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": 1, **status},
    }


def _condition(kind: str, status: str = "True", **rest: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, **rest}]}


def _judged(live: dict[str, Any], found: dict[str, list[dict[str, Any]]] | None = None) -> Any:
    rule = rule_of(live)
    assert rule is not None
    return rule(live, lambda _version, kind, _namespace, _labels: (found or {}).get(kind, []))


@pytest.mark.parametrize(
    ("live", "ready"),
    [
        (_deployment(), True),
        (_deployment(observedGeneration=1), False),
        (_deployment(availableReplicas=1), False),
        (_deployment(updatedReplicas=1), False),
        (_deployment(replicas=3), False),
        (_simple("apps/v1", "StatefulSet", {"replicas": 2}, {"readyReplicas": 2, "updatedReplicas": 2}), True),
        (_simple("apps/v1", "StatefulSet", {"replicas": 2}, {"readyReplicas": 1, "updatedReplicas": 2}), False),
        (
            _simple(
                "apps/v1",
                "StatefulSet",
                {"replicas": 2},
                {"readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "1", "updateRevision": "2"},
            ),
            False,
        ),
        (
            _simple(
                "apps/v1",
                "DaemonSet",
                {},
                {"desiredNumberScheduled": 2, "numberAvailable": 2, "updatedNumberScheduled": 2},
            ),
            True,
        ),
        (
            _simple(
                "apps/v1",
                "DaemonSet",
                {},
                {"desiredNumberScheduled": 2, "numberAvailable": 2, "updatedNumberScheduled": 1},
            ),
            False,
        ),
        (_simple("batch/v1", "Job", {}, _condition("Complete")), True),
        (_simple("batch/v1", "Job", {"suspend": True}, {}), True),
        (_simple("batch/v1", "Job", {}, {"succeeded": 0}), False),
        (_simple("v1", "Pod", {}, {"phase": "Running", **_condition("Ready")}), True),
        (_simple("v1", "Pod", {}, {"phase": "Running"}), False),
        (_simple("v1", "Pod", {}, {"phase": "Succeeded"}), True),
        (_simple("v1", "Namespace", {}, {"phase": "Active"}), True),
        (_simple("v1", "Namespace", {}, {"phase": "Terminating"}), False),
        (_simple("v1", "Service", {"selector": {"a": "b"}}, {}), False),
        (_simple("v1", "Service", {"selector": {"a": "b"}, "clusterIP": "None"}, {}), True),
        (_simple("v1", "Service", {"type": "LoadBalancer"}, {}), False),
        (_simple("v1", "Service", {"type": "ExternalName"}, {}), True),
        (_simple("v1", "PersistentVolumeClaim", {}, {"phase": "Bound"}), True),
        (_simple("v1", "PersistentVolumeClaim", {}, {"phase": "Pending"}), False),
        (_simple("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, _condition("Established")), True),
        (_simple("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, {}), False),
    ],
)
def test_each_kind_is_ready_when_it_serves(live: dict[str, Any], ready: bool) -> None:
    assert _judged(live).ready is ready


@pytest.mark.parametrize(
    "live",
    [
        _deployment(availableReplicas=0, **_condition("Progressing", "False", reason="ProgressDeadlineExceeded")),
        _simple("batch/v1", "Job", {}, _condition("Failed", reason="BackoffLimitExceeded")),
        _simple("v1", "Pod", {}, {"phase": "Failed"}),
        _simple("v1", "PersistentVolumeClaim", {}, {"phase": "Lost"}),
        _simple("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, _condition("NamesAccepted", "False")),
    ],
)
def test_what_cannot_become_ready_is_not_waited_for(live: dict[str, Any]) -> None:
    assert _judged(live).failed


def test_a_service_is_ready_with_its_first_ready_pod() -> None:
    live = _simple("v1", "Service", {"selector": {"a": "b"}}, {})
    assert not _judged(live, {"EndpointSlice": [{"endpoints": [{"conditions": {"ready": False}}]}]}).ready
    assert _judged(live, {"EndpointSlice": [{"endpoints": [{"conditions": {"ready": True}}]}]}).ready


def test_a_claim_whose_class_waits_for_a_pod_is_not_waited_for() -> None:
    live = _simple("v1", "PersistentVolumeClaim", {"storageClassName": "shared"}, {"phase": "Pending"})
    shared = {"metadata": {"name": "shared"}, "volumeBindingMode": "WaitForFirstConsumer"}
    assert _judged(live, {"StorageClass": [shared]}).ready


def test_a_deployment_says_what_its_pods_complain_about() -> None:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pod = {"status": {"containerStatuses": [{"name": "main", "state": state}]}}
    message = _judged(_deployment(availableReplicas=0), {"Pod": [pod]}).message
    assert message == "0 of 2 replicas updated and available (main: ImagePullBackOff: no such image)"


def test_kinds_without_a_rule_are_ready_at_once() -> None:
    assert rule_of({"apiVersion": "v1", "kind": "ConfigMap"}) is None
