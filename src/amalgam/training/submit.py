"""Submitting a job: all of its objects, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from amalgam.errors import AmalgamError
from amalgam.training.parameters import TrainingJob
from amalgam.training.render import Manifest
from amalgam.training.schema import Object


class Creator(Protocol):
    """What of a cluster it takes; see :class:`~amalgam.training.cluster.Cluster`."""

    def create(self, described: Object, *, dry_run: bool = False) -> Object:
        """Create an object."""

    def claim(self, vc: str, name: str) -> Object | None:
        """A claim, or ``None``."""

    def job(self, vc: str, name: str) -> Object | None:
        """A Job, or ``None``."""

    def delete_job(self, vc: str, name: str) -> None:
        """Delete a Job and what belongs to it."""


def check(cluster: Creator, job: TrainingJob, manifest: Manifest) -> None:
    """Have the server check every object and a worker's pod as if they were created; nothing is.

    Raises:
        AmalgamError: a claim is missing, the name is taken, or the server refuses an object.
    """
    if cluster.job(job.vc, job.name) is not None:
        remedy = f"take another name, or stop it: amalgam train stop {job.name} --vc {job.vc}"
        raise AmalgamError(f"there is a job {job.name} already", where=f"VC {job.vc}", remedy=remedy)
    for claim in (job.volume, *(dataset.claim for dataset in job.datasets)):
        if cluster.claim(job.vc, claim) is None:
            remedy = f"see which there are: kubectl -n {job.vc} get pvc; the administrator makes the one for training"
            raise AmalgamError(f"there is no claim {claim}", where=f"VC {job.vc}", remedy=remedy)
    for one in (*manifest.objects, _first_pod(job, manifest)):
        cluster.create(one, dry_run=True)


def submit(cluster: Creator, job: TrainingJob, manifest: Manifest) -> None:
    """Create the job. Everything else belongs to the Job and goes with it; the gang is last, and nothing runs before.

    Raises:
        AmalgamError: as :func:`check`, or an object was refused later on; then nothing is left.
    """
    check(cluster, job, manifest)
    owned = [one for one in manifest.objects if one["kind"] != "Job"]
    made = cluster.create(_only(manifest.objects, "Job"))
    try:
        for one in owned:
            cluster.create(_owned_by(made, one))
    except BaseException:
        cluster.delete_job(job.vc, job.name)
        raise


def _only(objects: Sequence[Object], kind: str) -> Object:
    return next(one for one in objects if one["kind"] == kind)


def _owned_by(job: Object, described: Object) -> Object:
    owner = {key: job["metadata"][key] for key in ("name", "uid")} | {"apiVersion": "batch/v1", "kind": "Job"}
    return {**described, "metadata": {**described["metadata"], "ownerReferences": [owner]}}


def _first_pod(job: TrainingJob, manifest: Manifest) -> Object:
    """A worker's pod: Pod Security, quotas and chips are matters of pods, which a Job's own check passes over."""
    template = _only(manifest.objects, "Job")["spec"]["template"]
    metadata = {**template["metadata"], "name": f"{job.name}-0", "namespace": job.vc}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
