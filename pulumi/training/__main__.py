"""The claim in every virtual cluster that holds checkpoints, logs and TensorBoard's files of its training jobs."""

from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from amalgam.errors import AmalgamError
from amalgam.models import load_site
from amalgam.paths import project_root
from amalgam.training.parameters import VOLUME

inventory = pulumi.Config().get("inventory") or project_root() / "inventories" / pulumi.get_stack()
try:
    volumes = load_site(Path(inventory)).training_volumes
except AmalgamError as error:
    raise pulumi.RunError(str(error)) from error
for volume in volumes:
    k8s.core.v1.PersistentVolumeClaim(
        volume.vc,
        metadata={"name": VOLUME, "namespace": volume.vc},
        spec={
            "access_modes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": volume.size}},
            "storage_class_name": volume.storage_class,
        },
        # People's data: `pulumi state unprotect` is the word that lets it go.
        opts=pulumi.ResourceOptions(protect=True),
    )
pulumi.export("claims", [f"{volume.vc}/{VOLUME}" for volume in volumes])
