"""What answers pods' claims of storage, and what a site brings for it that no bundle can hold."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter

from amalgam.models.accelerators import Artifact
from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import refusal

PROVISIONER = "volumes_provisioner"
IMAGES = "ceph_csi_images"
SNAPSHOT_CRDS = "ceph_csi_snapshot_crds"

Provisioner = Literal["local_path", "ceph_csi"]

# HOST[:PORT]/REPOSITORY[:TAG]@DIGEST, the forms of the OCI distribution specification.
_IMAGE = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+(:[\w.-]+)?@sha256:[0-9a-f]{64}")


def _image(value: str) -> str:
    if not _IMAGE.fullmatch(value):
        reason = f"{value!r} does not say by its digest which image is meant: a tag may be another image tomorrow"
        remedy = "write HOST:PORT/REPOSITORY@sha256:..., as `skopeo inspect` of your mirror names the digest"
        raise refusal(Rule.IMAGE_WITHOUT_DIGEST, reason, remedy)
    return value


Image = Annotated[str, AfterValidator(_image)]


class CephCsiImages(BaseModel):
    """The images of ceph-csi and of what Kubernetes has beside every such driver, as the site mirrors them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    cephcsi: Image
    csi_node_driver_registrar: Image
    csi_provisioner: Image
    csi_resizer: Image
    csi_snapshotter: Image
    snapshot_controller: Image


VOLUMES_VARIABLES: dict[str, TypeAdapter[Any]] = {
    PROVISIONER: TypeAdapter(Provisioner),
    IMAGES: TypeAdapter(CephCsiImages),
    SNAPSHOT_CRDS: TypeAdapter(Artifact),
}
"""Variable of a site → its type."""

_NEEDED = (IMAGES, SNAPSHOT_CRDS)


def check_volumes(draft: Draft) -> None:
    """Add what is missing for the provisioner that was chosen, and what is said to the one that was not."""
    given, chosen = draft.site_wide(PROVISIONER), draft.setting(PROVISIONER, str)
    if chosen == "ceph_csi":
        for name in _NEEDED:
            if draft.site_wide(name) is None:
                reason = f"ceph-csi needs {name}, which is in no bundle, and it is not given"
                remedy = f"mirror what ceph-csi needs, and name it in {name} (docs/site-engineer.md), or use local_path"
                draft.refuse(given, Rule.NO_CEPH_CSI, reason, remedy)
        _check_hosts(draft)
    elif given is None or chosen == "local_path":
        for name in _NEEDED:
            reason = "says something to ceph-csi, and the site's volumes are those of local_path"
            remedy = f"remove it, or choose ceph-csi: `{PROVISIONER}: ceph_csi`"
            draft.refuse(draft.site_wide(name), Rule.CEPH_CSI_NOT_CHOSEN, reason, remedy)


def _check_hosts(draft: Draft) -> None:
    for index, part in enumerate(draft.setting("ceph_subvolumes", list) or []):
        if part.storage_class is not None and part.hosts is not None:
            reason = "ceph-csi gives the key of a class to any worker that runs a pod with such a volume"
            remedy = f"remove hosts, which would keep nobody out, or use `{PROVISIONER}: local_path`"
            variable = draft.site_wide("ceph_subvolumes")
            draft.refuse(variable, Rule.HOSTS_OF_CEPH_CSI, reason, remedy, (index, "hosts"))
