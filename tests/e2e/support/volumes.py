"""Pods that use claims of storage."""

from __future__ import annotations

from typing import Any

from amalgam.pins import load_lock
from tests.e2e.support.cluster import Cluster, pod_template


def pod_with_volume(cluster: Cluster, worker: str, command: list[str], volume: dict[str, Any]) -> dict[str, Any]:
    """A pod without rights on one worker, of its name, in an image that has busybox and setfattr.

    ``volume`` says what is mounted at ``/data``, as a pod's ``volumes`` do.
    """
    pin = load_lock().image("local-path-provisioner")
    image = f"{cluster.lab.registry}/{pin.repository}:{pin.tag}"
    volumes = [{"name": "data", **volume}]
    template = pod_template(
        image, [], {"app": "volumes"}, nodeSelector={"kubernetes.io/hostname": worker}, volumes=volumes
    )
    template["spec"]["containers"][0] |= {
        "command": command,
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": worker}, "spec": template["spec"]}
