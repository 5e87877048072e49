"""A claim of storage is answered with a folder that all nodes share, bounded by the claim's size and gone with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.support.cluster import Cluster
from tests.e2e.support.volumes import pod_with_volume
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

CLAIM = "shared"
TENANT = "vision"
"""A class whose part of the file system is 1 GiB, mounted by every worker."""
KEPT = ("nlp", "gpu2")
"""A class, and a worker that may not mount its part."""


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


def _pod(cluster: Cluster, worker: str, **volume: Any) -> dict[str, Any]:
    """A pod on one worker with a volume at ``/data``, by default that of the claim of all."""
    claimed = {"persistentVolumeClaim": {"claimName": CLAIM}}
    return pod_with_volume(cluster, worker, ["/bin/busybox", "sleep", "3600"], volume or claimed)


def _in_pod(cluster: Cluster, namespace: str, pod: str, command: str, *, check: bool = True) -> tuple[int, str]:
    done = cluster.kubectl(f"--namespace {namespace} exec {pod} -- {command}", check=check, seconds=120)
    return done.rc, done.output


def test_pods_of_different_workers_share_the_files(cluster: Cluster, namespace: str) -> None:
    first, second = cluster.lab.members("workers")
    _in_pod(cluster, namespace, first, "sh -c 'echo from-the-first >/data/file'")
    assert _in_pod(cluster, namespace, second, "busybox cat /data/file")[1] == "from-the-first\n"


def test_a_write_past_the_claims_size_fails(cluster: Cluster, namespace: str) -> None:
    worker = cluster.lab.members("workers")[0]
    # Each MiB on its way before the next: what a client has not sent yet does not count for the quota.
    fill = "busybox dd if=/dev/zero of=/data/fill bs=1M count=1 seek=$n conv=notrunc,fsync || exit"
    each = f"sh -c 'for n in $(busybox seq 1 100); do {fill}; done'"
    rc, output = _in_pod(cluster, namespace, worker, each, check=False)
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


def test_a_volume_that_is_to_be_kept_outlives_its_claim_and_serves_the_next(cluster: Cluster, namespace: str) -> None:
    """As a person keeps one, or a class whose reclaim policy is Retain."""
    spec = {"storageClassName": "shared"}
    cluster.apply(namespace, _claim("kept", **spec))
    cluster.wait(namespace, "wait --for=jsonpath={.status.phase}=Bound pvc/kept")
    volume = _volume(cluster, namespace, "kept")
    name, path = volume["metadata"]["name"], volume["spec"]["hostPath"]["path"]
    cluster.control_plane.run(f"echo kept >{path}/file")
    policy = json.dumps({"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    cluster.kubectl(f"patch pv {name} --patch '{policy}'")
    try:
        cluster.kubectl(f"--namespace {namespace} delete pvc kept")
        cluster.kubectl(f"wait --for=jsonpath={{.status.phase}}=Released pv/{name} --timeout=60s")
        assert cluster.control_plane.run(f"cat {path}/file").stdout == "kept\n"
        free = json.dumps({"spec": {"claimRef": None}})
        cluster.kubectl(f"patch pv {name} --patch '{free}'")
        cluster.apply(namespace, _claim("kept", volumeName=name, **spec))
        cluster.wait(namespace, "wait --for=jsonpath={.status.phase}=Bound pvc/kept")
        assert cluster.control_plane.run(f"cat {path}/file").stdout == "kept\n"
    finally:
        cluster.kubectl(f"patch pv {name} --patch '{policy.replace('Retain', 'Delete')}'")
        cluster.kubectl(f"--namespace {namespace} delete pvc kept --ignore-not-found")
        wait_until("it is gone", lambda: cluster.kubectl(f"get pv {name}", check=False).rc != 0, seconds=120)


def test_a_volume_of_a_pods_own_goes_with_the_pod(cluster: Cluster, namespace: str) -> None:
    worker = cluster.lab.members("workers")[0]
    pod = _pod(cluster, worker, ephemeral={"volumeClaimTemplate": {"spec": _claim("")["spec"]}})
    pod["metadata"]["name"] = "scratch"
    cluster.apply(namespace, pod)
    cluster.wait(namespace, "wait --for=condition=Ready pod/scratch")
    _in_pod(cluster, namespace, "scratch", "sh -c 'echo short-lived >/data/file'")
    path = _volume(cluster, namespace, "scratch-data")["spec"]["hostPath"]["path"]
    assert cluster.control_plane.run(f"cat {path}/file").stdout == "short-lived\n"

    cluster.kubectl(f"--namespace {namespace} delete pod scratch")

    wait_until(
        "its folder is gone", lambda: cluster.control_plane.run(f"test -e {path}", check=False).rc != 0, seconds=120
    )


@pytest.fixture(scope="module")
def halves(cluster: Cluster, namespace: str) -> tuple[str, str]:
    """Folders of two claims of the tenant's class: each may hold more than half of its part."""
    size = {"requests": {"storage": "700Mi"}}
    names = ("first-half", "second-half")
    cluster.apply(namespace, *(_claim(name, storageClassName=TENANT, resources=size) for name in names))
    for name in names:
        cluster.wait(namespace, f"wait --for=jsonpath={{.status.phase}}=Bound pvc/{name}")
    first, second = (_volume(cluster, namespace, name)["spec"]["hostPath"]["path"] for name in names)
    return first, second


def test_a_tenants_volumes_lie_in_its_own_part(cluster: Cluster, halves: tuple[str, str]) -> None:
    for path in halves:
        assert path.startswith(f"/srv/shared/{TENANT}/pvc-")
        worker = cluster.lab.node(cluster.lab.members("workers")[0])
        size = worker.run(f"stat --file-system --format '%b %S' {path}").stdout.split()
        assert int(size[0]) * int(size[1]) == 1 << 30


def test_a_tenants_volumes_together_hold_no_more_than_its_part_and_free_it_when_they_go(
    cluster: Cluster, namespace: str, halves: tuple[str, str]
) -> None:
    worker, second = cluster.lab.node(cluster.lab.members("workers")[0]), halves[1]
    for path in halves:
        worker.run(f"truncate -s 511M {path}/file")
    _await_free(cluster, lambda free: free <= 4)
    # What is in a part is summed up from its folders every few seconds.
    more = f"dd if=/dev/zero of={second}/more bs=1M count=4 oflag=append conv=notrunc,fsync"
    wait_until(
        "a write is refused",
        lambda: worker.run(more, check=False).stderr,
        lambda said: "Disk quota exceeded" in said,
        seconds=60,
    )

    cluster.kubectl(f"--namespace {namespace} delete pvc first-half")

    _await_free(cluster, lambda free: free > 300)
    worker.run(more)


def _await_free(cluster: Cluster, accept: Callable[[int], bool]) -> None:
    """Wait until the tenant's part has so many MiB left."""
    command = f"df --output=avail -BM /srv/shared/{TENANT}"
    node = cluster.lab.node(cluster.lab.members("workers")[0])
    wait_until("space in the tenant's part", lambda: int(node.run(command).stdout.split()[1][:-1]), accept, seconds=120)


def test_a_pod_waits_for_the_file_system_and_the_hosts_disk_gets_nothing(
    cluster: Cluster, namespace: str, halves: tuple[str, str]
) -> None:
    worker, path = cluster.lab.node(cluster.lab.members("workers")[0]), halves[1]
    worker.run(f"touch {path}/kept && sync {path}/kept && systemctl stop cephfs@{TENANT}")
    try:
        pod = _pod(cluster, worker.name, persistentVolumeClaim={"claimName": "second-half"})
        pod["metadata"]["name"] = "early"
        cluster.apply(namespace, pod)
        _await_refusal(cluster, namespace, "early")
        assert worker.run(f"ls -A /srv/shared/{TENANT}").stdout == ""
    finally:
        worker.run(f"systemctl start cephfs@{TENANT}")
    cluster.wait(namespace, "wait --for=condition=Ready pod/early")
    _in_pod(cluster, namespace, "early", "busybox stat /data/kept")


def test_a_pod_does_not_start_where_its_tenants_part_is_not_mounted(cluster: Cluster, namespace: str) -> None:
    storage_class, node = KEPT
    pod = _pod(cluster, node, persistentVolumeClaim={"claimName": "kept-elsewhere"})
    pod["metadata"]["name"] = "stranger"
    cluster.apply(namespace, _claim("kept-elsewhere", storageClassName=storage_class), pod)
    _await_refusal(cluster, namespace, "stranger")
    assert cluster.lab.node(node).run(f"test -e /srv/shared/{storage_class}", check=False).rc != 0


def _await_refusal(cluster: Cluster, namespace: str, pod: str) -> None:
    """Wait until a pod's events say that its volume cannot be had."""
    chosen = f"events --namespace {namespace} --field-selector involvedObject.name={pod},reason=FailedMount"
    wait_until(
        "the kubelet says why it waits",
        lambda: [event["message"] for event in cluster.get(chosen)["items"]],
        lambda messages: any("operation not permitted" in message for message in messages),
        seconds=60,
    )


def _volume(cluster: Cluster, namespace: str, claim: str) -> dict[str, Any]:
    name = cluster.get(f"pvc {claim} --namespace {namespace}")["spec"]["volumeName"]
    volume: dict[str, Any] = cluster.get(f"pv {name}")
    return volume
