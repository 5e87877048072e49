"""What training jobs find in every virtual cluster."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from amalgam.models.training import TrainingVolume
from amalgam.training.parameters import VOLUME
from amalgam_stacks.args import Args


class TrainingVolumesArgs(Args):
    """Who trains."""

    volumes: tuple[TrainingVolume, ...]


class TrainingVolumes(pulumi.ComponentResource):
    """A claim for each: checkpoints, logs and TensorBoard's files of its jobs."""

    def __init__(self, name: str, args: TrainingVolumesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare them."""
        super().__init__("amalgam:training:TrainingVolumes", name, None, opts)
        for volume in args.volumes:
            k8s.core.v1.PersistentVolumeClaim(
                f"{name}-{volume.vc}",
                metadata={"name": VOLUME, "namespace": volume.vc},
                spec={
                    "access_modes": ["ReadWriteMany"],
                    "resources": {"requests": {"storage": volume.size}},
                    "storage_class_name": volume.storage_class,
                },
                # People's data: `pulumi state unprotect` is the word that lets it go.
                opts=pulumi.ResourceOptions(parent=self, protect=True),
            )
        self.register_outputs({"claims": [f"{volume.vc}/{VOLUME}" for volume in args.volumes]})
