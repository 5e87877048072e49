"""A cluster as the tests use it: kubectl on its first control-plane node, and namespaces that go after use."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from amalgam.pins import load_lock
from tests.e2e.support.nodes import Done, Lab, Node
from tests.e2e.support.waiting import wait_until

_KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


@dataclass(frozen=True)
class Cluster:
    """The cluster of a lab."""

    lab: Lab

    @cached_property
    def control_plane(self) -> Node:
        """The node on which kubectl runs."""
        return self.lab.node(self.lab.members("control_plane")[0])

    def kubectl(self, command: str, *, stdin: str = "", check: bool = True, seconds: float = 180.0) -> Done:
        """Run kubectl with the arguments of a shell command line.

        Raises:
            AssertionError: it ended non-zero and ``check`` is set.
        """
        return self.control_plane.run(f"{_KUBECTL} {command}", stdin=stdin, check=check, seconds=seconds)

    def get(self, command: str) -> Any:
        """What ``kubectl get`` says, as data."""
        return json.loads(self.kubectl(f"get {command} --output json").stdout)

    def apply(self, namespace: str, *objects: dict[str, Any]) -> None:
        """Apply objects in a namespace."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl(f"--namespace {namespace} apply --server-side --filename -", stdin=json.dumps(listed))

    def wait(self, namespace: str, command: str, *, seconds: int = 120) -> None:
        """Run ``kubectl wait`` or ``kubectl rollout status`` with a budget."""
        self.kubectl(f"--namespace {namespace} {command} --timeout {seconds}s", seconds=seconds + 30)

    def readiness(self) -> dict[str, str]:
        """Node -> status of its condition Ready (``True``, ``False``, ``Unknown``)."""
        return {
            node["metadata"]["name"]: next(
                condition["status"] for condition in node["status"]["conditions"] if condition["type"] == "Ready"
            )
            for node in self.get("nodes")["items"]
        }

    def system_pods(self) -> dict[str, str]:
        """Pod of kube-system -> status of its condition Ready."""
        return {
            pod["metadata"]["name"]: next(
                (one["status"] for one in pod["status"].get("conditions", []) if one["type"] == "Ready"), "Unknown"
            )
            for pod in self.get("pods --namespace kube-system")["items"]
        }

    def wait_healthy(self, *, seconds: float = 240.0) -> None:
        """Wait until every node of the inventory and every pod of the system is Ready."""
        wanted = {node.name: "True" for node in self.lab.cluster_nodes()}
        wait_until(
            "every node and every system pod is Ready",
            lambda: (self.readiness(), self.system_pods()),
            lambda seen: seen[0] == wanted and set(seen[1].values()) == {"True"},
            seconds=seconds,
        )

    def image_of_tests(self) -> str:
        """The image with the test programs, in the lab's registry."""
        pin = load_lock().image("agnhost")
        return f"{self.lab.registry}/{pin.repository}:{pin.tag}"

    @contextmanager
    def namespace(self, topic: str) -> Iterator[str]:
        """A fresh namespace; it is deleted at the end, with all that is in it."""
        name = f"e2e-{topic}-{secrets.token_hex(3)}"
        # Without its account no pod is admitted, and the controller manager makes that a moment later.
        account = f"wait --namespace {name} --for=create serviceaccount/default --timeout 60s"
        self.kubectl(f"create namespace {name} && {_KUBECTL} {account}")
        try:
            yield name
        finally:
            self.kubectl(f"delete namespace {name} --wait --timeout 120s")


def pod_template(image: str, arguments: list[str], labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    """Template of a pod with one container that runs the test program, within the restricted Pod Security level."""
    return {
        "metadata": {"labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "args": arguments,
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
            **spec,
        },
    }


def service(name: str, labels: dict[str, str], port: int, target: int) -> dict[str, Any]:
    """A Service of type ClusterIP."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": labels, "ports": [{"port": port, "targetPort": target}]},
    }
