"""A cluster of which kubectl is the seam: its objects, and what helper pods write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from amalgam.errors import AmalgamError
from amalgam.volumes.helper import Helper
from amalgam.volumes.kubectl import Kubectl, Object

_CONFIG = {"storageClassConfigs": {name: {"sharedFileSystemPath": f"/srv/{name}"} for name in ("vision", "nlp")}}
_TEMPLATE = """\
kind: Pod
spec:
  containers: [{name: helper, securityContext: {capabilities: {drop: [ALL], add: [FOWNER]}}}]
"""


class FakeKubectl(Kubectl):
    """Keeps what is created, and answers from it."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {
            ("configmap", "provisioner"): {"data": {"config.json": json.dumps(_CONFIG), "helperPod.yaml": _TEMPLATE}}
        }
        self.answers: dict[str, tuple[int, list[str]]] = {}
        """Operation of the script -> exit code and lines."""
        self.pods: list[list[str]] = []
        """Arguments of the script, of every pod that ran."""
        self.ran: list[tuple[str, ...]] = []

    def add(self, kind: str, name: str, **described: Any) -> None:
        self.objects[kind, name] = {"metadata": {"name": name}, "status": {}, **described}

    def run(self, *arguments: str, stdin: str | None = None) -> str:  # noqa: ARG002 - as kubectl has it
        self.ran.append(arguments)
        return ""

    def get(self, *arguments: str) -> Object | None:
        return self.objects.get((arguments[0], arguments[1]))

    def list(self, *arguments: str) -> list[Object]:
        singular = arguments[0].replace("persistentvolumes", "persistentvolume").replace("contents.", "content.")
        return [described for (kind, _), described in self.objects.items() if kind == singular]

    def create(self, described: Object) -> None:
        if described["kind"] == "Pod":
            self.pods.append(described["spec"]["containers"][0]["command"][2:])
            return
        kind = {
            "PersistentVolumeClaim": "pvc",
            "PersistentVolume": "persistentvolume",
            "VolumeSnapshot": "volumesnapshot.snapshot.storage.k8s.io",
        }[described["kind"]]
        described["metadata"] |= {"uid": "claims-uid"}
        self.objects[kind, described["metadata"]["name"]] = {"status": {"phase": "Pending"}, **described}

    @contextmanager
    def lines(self, *arguments: str) -> Iterator[Iterator[str]]:
        if arguments[0] == "get":
            yield iter(["Pending", "Running"])
            return
        operation = self.pods[-1][0]
        if operation not in self.answers:
            raise AmalgamError(f"nobody expected {operation}")
        code, said = self.answers[operation]
        yield iter([*said, f"ended\t{code}"])


@pytest.fixture
def kubectl() -> FakeKubectl:
    """The cluster, with two classes."""
    return FakeKubectl()


@pytest.fixture
def helper(kubectl: FakeKubectl) -> Helper:
    """Runs its helper pods."""
    return Helper(kubectl)
