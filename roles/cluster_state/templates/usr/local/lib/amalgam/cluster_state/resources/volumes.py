"""Claims of storage."""

from __future__ import annotations

from collections.abc import Iterable

from cluster_state.api import Object
from cluster_state.families import Family, Resource, Sample, namespaced
from cluster_state.quantities import number


def _info(claim: Object) -> Iterable[Sample]:
    spec = claim["spec"]
    yield (
        {
            "storageclass": spec.get("storageClassName", "<none>"),
            "volumename": spec.get("volumeName", ""),
            "volumemode": spec.get("volumeMode", ""),
        },
        1,
    )


def _requests(claim: Object) -> Iterable[Sample]:
    requests = claim["spec"].get("resources", {}).get("requests", {})
    if "storage" in requests:
        yield {}, number(requests["storage"])


CLAIMS = Resource(
    "/api/v1/persistentvolumeclaims",
    namespaced("persistentvolumeclaim"),
    (
        Family("kube_persistentvolumeclaim_info", "Information about persistent volume claim.", _info),
        Family(
            "kube_persistentvolumeclaim_resource_requests_storage_bytes",
            "The capacity of storage requested by the persistent volume claim.",
            _requests,
        ),
    ),
)
