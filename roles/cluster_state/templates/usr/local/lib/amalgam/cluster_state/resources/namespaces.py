"""Namespaces, which a VC is one of, and their quotas."""

from __future__ import annotations

from collections.abc import Iterable

from cluster_state.api import Object
from cluster_state.families import Family, Resource, Sample, label_samples, namespaced
from cluster_state.quantities import number


def _quota(quota: Object) -> Iterable[Sample]:
    status = quota.get("status", {})
    for kind in ("hard", "used"):
        for resource, amount in (status.get(kind) or {}).items():
            yield {"resource": resource, "type": kind}, number(amount)


NAMESPACES = Resource(
    "/api/v1/namespaces",
    lambda namespace: {"namespace": namespace["metadata"]["name"]},
    (
        Family(
            "kube_namespace_labels",
            "Kubernetes labels converted to Prometheus labels.",
            lambda namespace: label_samples(namespace["metadata"].get("labels", {})),
        ),
    ),
)
QUOTAS = Resource(
    "/api/v1/resourcequotas",
    namespaced("resourcequota"),
    (Family("kube_resourcequota", "Information about resource quota.", _quota),),
)
