"""Tenants of the lab: what their people may and may not do, asked as they would."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.nodes import Done

NPU = "huawei.com/Ascend910"
GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Person:
    """A user in a VC, or wherever they try to be."""

    cluster: Cluster
    user: str
    vc: str

    def creates(self, described: dict[str, Any], *, really: bool = False) -> Done:
        """Create an object; unless ``really``, the server says what it would do, quotas included, and keeps nothing."""
        mode = "" if really else "--dry-run=server"
        command = f"create --as {self.user} --namespace {self.vc} {mode} --output json --filename -"
        return self.cluster.kubectl(command, stdin=json.dumps(described), check=False)

    def changes(self, what: str, change: dict[str, Any]) -> Done:
        """What the server says to a change of an object that is there; it keeps nothing."""
        words = ["patch", what, "--as", self.user, "--namespace", self.vc, "--dry-run=server"]
        return self.cluster.kubectl(shlex.join([*words, "--patch", json.dumps(change)]), check=False)

    def pod(
        self, name: str = "tried", *, image: str = "", limits: dict[str, str] | None = None, **spec: Any
    ) -> dict[str, Any]:
        """A pod within the restricted Pod Security level, but for what ``spec`` says."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            **self._template(name, image, limits, **spec),
            "metadata": {"name": name, "labels": {"app": name}},
        }

    def job(self, name: str, pods: int, limits: dict[str, str]) -> dict[str, Any]:
        """A job of so many pods at once."""
        template = self._template(name, "", limits, restartPolicy="Never")
        spec = {"parallelism": pods, "completions": pods, "template": template}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}

    def _template(self, name: str, image: str, limits: dict[str, str] | None, **spec: Any) -> dict[str, Any]:
        arguments = ["netexec", "--http-port=8080"]
        template = pod_template(image or self.cluster.image_of_tests(), arguments, {"app": name}, **spec)
        # Room for commands beside the container's own: with 32Mi, three at once read their program in again and again.
        room = {"cpu": "200m", "memory": "128Mi"}
        template["spec"]["containers"][0]["resources"] = {"limits": {**room, **(limits or {})}}
        return template


def claim(name: str, storage_class: str, size: str) -> dict[str, Any]:
    """A claim of storage."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": size}},
        },
    }


Right = tuple[str, str, str, str]
"""User, VC, verb, and resource as ``RESOURCE[.GROUP][/SUBRESOURCE]``."""


def rights(cluster: Cluster, asked: Iterable[Right]) -> dict[Right, bool]:
    """Whether each is allowed, in one round trip."""
    listed = list(asked)
    reviews = {"apiVersion": "v1", "kind": "List", "items": [_review(*one) for one in listed]}
    said = cluster.kubectl(
        "create --output 'jsonpath={.status.allowed} ' --filename -", stdin=json.dumps(reviews)
    ).stdout
    return {one: word == "true" for one, word in zip(listed, said.split(), strict=True)}


def _review(user: str, vc: str, verb: str, what: str) -> dict[str, Any]:
    resource, _, subresource = what.partition("/")
    resource, _, group = resource.partition(".")
    asked = {"namespace": vc, "verb": verb, "group": group, "resource": resource, "subresource": subresource}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": asked},
    }
