"""A claim of storage is answered with a folder that all nodes share, bounded by the claim's size and gone with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from amalgam.pins import load_lock
from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

CLAIM = "shared"


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """A claim of 64 MiB, mounted by a pod on each worker."""
    with cluster.namespace("volumes") as name:
        cluster.apply(name, _claim(CLAIM), *(_pod(cluster, worker) for worker in cluster.lab.members("workers")))
        for worker in cluster.lab.members("workers"):
            cluster.wait(name, f"wait --for=condition=Ready pod/{worker}")
        yield name


def _claim(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "64Mi"}}, **spec},
    }


def _pod(cluster: Cluster, worker: str) -> dict[str, Any]:
    """A pod without rights on one worker, in the image that has setfattr."""
    pin = load_lock().image("local-path-provisioner")
    image = f"{cluster.lab.registry}/{pin.repository}:{pin.tag}"
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}]
    template = pod_template(image, [], {"app": "volumes"}, nodeName=worker, volumes=volumes)
    container = template["spec"]["containers"][0]
    container |= {
        "command": ["/bin/busybox", "sleep", "3600"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": worker}, "spec": template["spec"]}


def _in_pod(cluster: Cluster, namespace: str, pod: str, command: str, *, check: bool = True) -> tuple[int, str]:
    done = cluster.kubectl(f"--namespace {namespace} exec {pod} -- {command}", check=check, seconds=120)
    return done.rc, done.output


def test_pods_of_different_workers_share_the_files(cluster: Cluster, namespace: str) -> None:
    first, second = cluster.lab.members("workers")
    _in_pod(cluster, namespace, first, "sh -c 'echo from-the-first >/data/file'")
    assert _in_pod(cluster, namespace, second, "busybox cat /data/file")[1] == "from-the-first\n"


def test_a_write_past_the_claims_size_fails(cluster: Cluster, namespace: str) -> None:
    worker = cluster.lab.members("workers")[0]
    fill = "busybox dd if=/dev/zero of=/data/fill bs=1M count=100 conv=fsync"
    rc, output = _in_pod(cluster, namespace, worker, fill, check=False)
    assert rc != 0
    assert "quota" in output.lower()
    _in_pod(cluster, namespace, worker, "busybox rm /data/fill")


def test_a_pod_cannot_lift_its_own_quota(cluster: Cluster, namespace: str) -> None:
    worker = cluster.lab.members("workers")[0]
    lift = "setfattr -n ceph.quota.max_bytes -v 0 /data"
    rc, output = _in_pod(cluster, namespace, worker, lift, check=False)
    assert rc != 0
    assert "not permitted" in output or "denied" in output
    # Not even who is root on the worker.
    path = _volume(cluster, namespace, CLAIM)["spec"]["hostPath"]["path"]
    cluster.lab.node(worker).run(f"test -d {path}")
    assert cluster.lab.node(worker).run(f"touch {path}/by-root && rm {path}/by-root").rc == 0
    python = f"import os; os.setxattr({path!r}, 'ceph.quota.max_bytes', b'0')"
    refused = cluster.lab.node(worker).run(f'python3 -c "{python}"', check=False)
    assert "PermissionError" in refused.stderr


def test_a_volume_goes_with_its_claim(cluster: Cluster, namespace: str) -> None:
    cluster.apply(namespace, _claim("short-lived"))
    cluster.wait(namespace, "wait --for=jsonpath={.status.phase}=Bound pvc/short-lived")
    volume = _volume(cluster, namespace, "short-lived")
    name, path = volume["metadata"]["name"], volume["spec"]["hostPath"]["path"]
    cluster.control_plane.run(f"test -d {path}")

    cluster.kubectl(f"--namespace {namespace} delete pvc short-lived")

    wait_until(
        "the volume is gone",
        lambda: cluster.kubectl(f"get pv {name}", check=False).rc != 0,
        seconds=120,
    )
    assert cluster.control_plane.run(f"test -e {path}", check=False).rc != 0


def _volume(cluster: Cluster, namespace: str, claim: str) -> dict[str, Any]:
    name = cluster.get(f"pvc {claim} --namespace {namespace}")["spec"]["volumeName"]
    volume: dict[str, Any] = cluster.get(f"pv {name}")
    return volume
