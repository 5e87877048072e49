"""What admission policies look at: pods, and the pod templates of everything that makes pods.

A template is judged when it is written, so that a person sees the reason; the pod is judged again when it is made.
"""

from __future__ import annotations

from typing import Any

SPEC = {
    "name": "spec",
    "expression": "object.kind == 'Pod' ? object.spec : object.kind == 'CronJob' ? "
    "object.spec.jobTemplate.spec.template.spec : object.spec.template.spec",
}
"""Variable: the specification of the pod."""
CONTAINERS = {
    "name": "containers",
    "expression": "variables.spec.containers + variables.spec.?initContainers.orValue([])"
    " + variables.spec.?ephemeralContainers.orValue([])",
}
"""Variable: all containers of all kinds; stands after ``SPEC``."""
SPEC_CHANGED = {
    "name": "spec-changed",
    # What was there before a policy can still be labelled, and deleted.
    "expression": "request.operation == 'CREATE' || object.spec != oldObject.spec",
}
"""Match condition."""


def rules(*operations: str, pods: tuple[str, ...] = ("pods", "pods/ephemeralcontainers")) -> list[dict[str, Any]]:
    """Resource rules of a policy for all that has, or is, a pod."""
    common: dict[str, Any] = {"api_versions": ["v1"], "operations": list(operations)}
    return [
        common | {"api_groups": [""], "resources": [*pods, "replicationcontrollers"]},
        common | {"api_groups": ["apps"], "resources": ["daemonsets", "deployments", "replicasets", "statefulsets"]},
        common | {"api_groups": ["batch"], "resources": ["cronjobs", "jobs"]},
    ]
