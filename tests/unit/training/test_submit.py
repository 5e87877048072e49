"""A job is made whole, or nothing of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from amalgam.errors import AmalgamError
from amalgam.training.parameters import TrainingJob
from amalgam.training.render import render
from amalgam.training.submit import check, submit

from .simulated_cluster import SimulatedCluster


@pytest.fixture
def cluster() -> SimulatedCluster:
    return SimulatedCluster()


@pytest.fixture
def whole(job: Callable[..., TrainingJob]) -> TrainingJob:
    """A job with an object of every kind."""
    return job(framework="mpi", scratch=[{"name": "tmp", "size": "1Gi"}])


def test_the_gang_is_made_last_and_everything_belongs_to_the_job(cluster: SimulatedCluster, whole: TrainingJob) -> None:
    submit(cluster, whole, render(whole))

    assert cluster.kinds() == ["Job", "Service", "PersistentVolumeClaim", "Secret", "PodGroup"]
    for (kind, _), one in cluster.objects.items():
        if kind != "Job" and one["metadata"]["name"] != "training":
            assert one["metadata"]["ownerReferences"] == [
                {"apiVersion": "batch/v1", "kind": "Job", "name": "flowers", "uid": "uid-of-flowers"}
            ]


def test_everything_and_a_workers_pod_is_checked_before_anything_is_made(
    cluster: SimulatedCluster, whole: TrainingJob
) -> None:
    check(cluster, whole, render(whole))
    assert cluster.kinds() == []
    assert set(cluster.checked) == {"Job", "Service", "PersistentVolumeClaim", "Secret", "PodGroup", "Pod"}


@pytest.mark.parametrize("kind", ["Job", "Service", "PersistentVolumeClaim", "Secret", "PodGroup", "Pod"])
def test_what_the_check_refuses_leaves_nothing(cluster: SimulatedCluster, whole: TrainingJob, kind: str) -> None:
    cluster.refuses[kind, True] = AmalgamError("quota")
    with pytest.raises(AmalgamError, match="quota"):
        submit(cluster, whole, render(whole))
    assert cluster.kinds() == []


@pytest.mark.parametrize("kind", ["Service", "PersistentVolumeClaim", "Secret", "PodGroup"])
@pytest.mark.parametrize("cause", [AmalgamError("quota"), KeyboardInterrupt()])
def test_what_is_refused_later_takes_the_rest_with_it(
    cluster: SimulatedCluster, whole: TrainingJob, kind: str, cause: BaseException
) -> None:
    cluster.refuses[kind, False] = cause
    with pytest.raises(type(cause)):
        submit(cluster, whole, render(whole))
    assert cluster.kinds() == []


def test_a_taken_name_is_refused_and_its_job_left_alone(cluster: SimulatedCluster, whole: TrainingJob) -> None:
    submit(cluster, whole, render(whole))
    before = dict(cluster.objects)
    with pytest.raises(AmalgamError, match="there is a job flowers already"):
        submit(cluster, whole, render(whole))
    assert cluster.objects == before


@pytest.mark.parametrize("given", [{"volume": "elsewhere"}, {"datasets": [{"name": "a", "claim": "elsewhere"}]}])
def test_a_claim_that_is_not_there_is_named(
    cluster: SimulatedCluster, job: Callable[..., TrainingJob], given: dict[str, object]
) -> None:
    wanting = job(**given)
    with pytest.raises(AmalgamError, match="there is no claim elsewhere"):
        submit(cluster, wanting, render(wanting))
    assert cluster.kinds() == []
