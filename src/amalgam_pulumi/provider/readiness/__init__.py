"""When an object is ready, a kind at a time, as pulumi-kubernetes understands it."""

from __future__ import annotations

from amalgam_pulumi.provider.api import Object
from amalgam_pulumi.provider.readiness.cluster import crd_ready, namespace_ready
from amalgam_pulumi.provider.readiness.networking import service_ready
from amalgam_pulumi.provider.readiness.pods import pod_ready
from amalgam_pulumi.provider.readiness.storage import claim_ready
from amalgam_pulumi.provider.readiness.verdict import Rule, Verdict
from amalgam_pulumi.provider.readiness.workloads import (
    daemon_set_ready,
    deployment_ready,
    job_ready,
    stateful_set_ready,
)

# API group (empty: core) and kind; whatever is not here is ready when it is written.
RULES: dict[tuple[str, str], Rule] = {
    ("", "Namespace"): namespace_ready,
    ("", "PersistentVolumeClaim"): claim_ready,
    ("", "Pod"): pod_ready,
    ("", "Service"): service_ready,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): crd_ready,
    ("apps", "DaemonSet"): daemon_set_ready,
    ("apps", "Deployment"): deployment_ready,
    ("apps", "StatefulSet"): stateful_set_ready,
    ("batch", "Job"): job_ready,
}

__all__ = ["Verdict", "rule_of"]


def rule_of(live: Object) -> Rule | None:
    """The rule for an object, or None where there is nothing to wait for."""
    group = live["apiVersion"].rpartition("/")[0]
    return RULES.get((group, live["kind"]))
