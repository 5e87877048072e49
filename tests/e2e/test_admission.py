"""The platform's policies judge all that brings pods: templates of every kind, and changes of what is there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Done
from tests.e2e.support.tenants import NPU, Person

pytestmark = pytest.mark.timeout(120)

VC = "vision"
RUNNING, SCALED = "e2e-running", "e2e-scaled"
KINDS = ("CronJob", "Deployment", "StatefulSet")
FOREIGN = {"image": "hub.example.com/library/busybox"}
NO_REGISTRY = "images of no registry of this site: hub.example.com/library/busybox."
ALL_GPUS = {"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]}
PRIVILEGED = {"securityContext": {"privileged": True}}


@pytest.fixture(scope="module")
def alice(cluster: Cluster) -> Person:
    """Administrator of the VC."""
    return Person(cluster, "alice", VC)


@pytest.fixture(scope="module")
def bob(cluster: Cluster) -> Person:
    """Developer there, with a cap."""
    return Person(cluster, "bob", VC)


@pytest.fixture(scope="module")
def running(cluster: Cluster, alice: Person) -> Iterator[str]:
    """A pod that runs."""
    try:
        made = alice.creates(alice.pod(RUNNING), really=True)
        assert made.rc == 0, made.output
        cluster.wait(VC, f"wait --for=condition=Ready pod/{RUNNING}")
        yield f"pod/{RUNNING}"
    finally:
        cluster.kubectl(f"delete pod {RUNNING} --namespace {VC} --ignore-not-found --wait=false")


@pytest.fixture
def deployment(cluster: Cluster, bob: Person) -> Iterator[str]:
    """One that the member with a cap has made, of no pods."""
    described = _maker("Deployment", bob.pod(), pods=0)
    described["metadata"]["name"] = SCALED
    try:
        made = bob.creates(described, really=True)
        assert made.rc == 0, made.output
        yield f"deployment/{SCALED}"
    finally:
        cluster.kubectl(f"delete deployment {SCALED} --namespace {VC} --ignore-not-found --wait=false")


def _maker(kind: str, pod: dict[str, Any], *, pods: int = 1) -> dict[str, Any]:
    """An object that makes pods like one."""
    template = {"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}
    made = {"kind": kind, "metadata": {"name": "tried"}}
    if kind == "CronJob":
        pod["spec"]["restartPolicy"] = "Never"
        job = {"parallelism": pods, "completions": pods, "template": template}
        return {"apiVersion": "batch/v1", **made, "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job}}}
    spec = {"replicas": pods, "selector": {"matchLabels": template["metadata"]["labels"]}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = "tried"
    return {"apiVersion": "apps/v1", **made, "spec": spec}


def _answered(done: Done, told: str) -> None:
    """That a request was refused with a reason; with an empty one, that it was taken."""
    assert (done.rc == 0, told in done.output) == (not told, True), done.output


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("container", "told"),
    [
        ({}, ""),
        (FOREIGN, NO_REGISTRY),
        (ALL_GPUS, "names its chips itself"),
        # Pod Security looks at pods alone, and only warns of templates.
        (PRIVILEGED, "a container is privileged"),
    ],
)
def test_a_template_is_judged_when_it_is_written(
    alice: Person, kind: str, container: dict[str, Any], told: str
) -> None:
    pod = alice.pod()
    pod["spec"]["containers"][0] |= container
    _answered(alice.creates(_maker(kind, pod)), told)


@pytest.mark.parametrize(
    ("kind", "pods", "chips", "told"),
    [
        ("CronJob", 1, 8, ""),
        ("CronJob", 3, 4, "the job asks for 12 Ascend 910 chips in 3 pods of 4"),
        ("Deployment", 1, 3, "a pod asks for 3 Ascend 910 chips"),
        ("StatefulSet", 1, 3, "a pod asks for 3 Ascend 910 chips"),
    ],
)
def test_chips_are_counted_in_templates(alice: Person, kind: str, pods: int, chips: int, told: str) -> None:
    _answered(alice.creates(_maker(kind, alice.pod(limits={NPU: str(chips)}), pods=pods)), told)


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_of_a_member_with_a_cap_is_written_into_templates(bob: Person, kind: str) -> None:
    spec = json.loads(bob.creates(_maker(kind, bob.pod())).stdout)["spec"]
    template = (spec["jobTemplate"]["spec"] if kind == "CronJob" else spec)["template"]
    assert template["spec"]["priorityClassName"] == "training-normal.vision.bob"


def test_a_running_pod_gets_no_image_of_elsewhere(cluster: Cluster, alice: Person, running: str) -> None:
    for container, told in (({"image": f"{cluster.lab.registry}/other:1"}, ""), (FOREIGN, NO_REGISTRY)):
        _answered(alice.changes(running, {"spec": {"containers": [{"name": "main", **container}]}}), told)


@pytest.mark.parametrize(
    ("container", "told"),
    [
        ({}, ""),
        (FOREIGN, NO_REGISTRY),
        (ALL_GPUS, "names its chips itself"),
        (PRIVILEGED, 'violates PodSecurity "restricted:latest"'),
    ],
)
def test_a_container_for_debugging_is_judged_as_all_others(
    cluster: Cluster, alice: Person, running: str, container: dict[str, Any], told: str
) -> None:
    (main,) = alice.pod()["spec"]["containers"]
    debugging = {"name": "debugging", **{key: main[key] for key in ("image", "securityContext")}, **container}
    change = {"spec": {"ephemeralContainers": [debugging]}}
    words = ["patch", running, "--namespace", VC, "--subresource", "ephemeralcontainers", "--dry-run=server"]
    # As whom the tests are in the cluster: no role of a VC may add one.
    _answered(cluster.kubectl(shlex.join([*words, "--patch", json.dumps(change)]), check=False), told)


def test_a_template_that_is_there_gets_no_image_of_elsewhere(alice: Person, deployment: str) -> None:
    for container, told in (({"image": f"{alice.cluster.lab.registry}/other:1"}, ""), (FOREIGN, NO_REGISTRY)):
        template = {"spec": {"containers": [{"name": "main", **container}]}}
        _answered(alice.changes(deployment, {"spec": {"template": template}}), told)


def test_a_member_with_a_cap_changes_replicas_in_the_object_alone(alice: Person, bob: Person, deployment: str) -> None:
    _answered(_scaled(bob, deployment), "members with a cap change `replicas` in the object, not by scaling it")
    _answered(bob.changes(deployment, {"spec": {"replicas": 2}}), "")
    _answered(_scaled(alice, deployment), "")


def _scaled(person: Person, deployment: str) -> Done:
    own = f"--as {person.user} --namespace {person.vc} --dry-run=server"
    return person.cluster.kubectl(f"scale {deployment} --replicas 2 {own}", check=False)
