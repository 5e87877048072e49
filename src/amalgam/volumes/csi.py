"""Snapshots and restores where ceph-csi provides the volumes: the objects that Kubernetes has for them.

What is made here is seen by kubectl under the same name, and what kubectl makes is listed here.
"""

from __future__ import annotations

from datetime import datetime

from amalgam.errors import AmalgamError
from amalgam.tenants.resources import parse
from amalgam.volumes.kubectl import Kubectl, Object
from amalgam.volumes.names import require_name
from amalgam.volumes.restore import Step, Watch, quantity
from amalgam.volumes.snapshots import Snapshot, missing

DRIVER = "cephfs.csi.ceph.com"

_API = "snapshot.storage.k8s.io"
_SNAPSHOT = f"volumesnapshot.{_API}"
_READY_SECONDS = 300
_COPY = "24h"
"""A restore that takes longer is waited for by the same command again."""


class CephCsi:
    """The commands of ``amalgam volume``."""

    def __init__(self, kubectl: Kubectl) -> None:
        """Work with one cluster."""
        self._kubectl = kubectl

    def find(self, namespace: str = "", claim: str = "") -> list[Snapshot]:
        """Every snapshot that is ready, or those of one namespace or claim.

        Raises:
            AmalgamError: the cluster does not answer.
        """
        where = ("--namespace", namespace) if namespace else ("--all-namespaces",)
        volumes = self._kubectl.list("persistentvolumes")
        alive = {volume["spec"].get("csi", {}).get("volumeHandle") for volume in volumes}
        contents = self._kubectl.list(f"volumesnapshotcontents.{_API}")
        # One that was imported has no volume.
        origin = {one["metadata"]["name"]: one["spec"]["source"].get("volumeHandle") for one in contents}
        return sorted(
            _snapshot(one, origin.get(one["status"].get("boundVolumeSnapshotContentName")) in alive)
            for one in self._kubectl.list(_SNAPSHOT, *where)
            if one.get("status", {}).get("readyToUse") and claim in ("", _claim_of(one))
        )

    def create(self, namespace: str, claim: str, name: str) -> None:
        """Keep a volume as it is now, under a name.

        Raises:
            AmalgamError: there is no such claim, or it has no volume of ours; the name is taken, or none.
        """
        where = f"{namespace}/{claim}"
        require_name(name, "snapshot", where)
        storage_class = self._class_of(namespace, claim)
        known = self._kubectl.get(_SNAPSHOT, name, "--namespace", namespace)
        if known is not None:
            remedy = f"take another name, or delete it: kubectl -n {namespace} delete volumesnapshot {name}"
            reason = f"there is a snapshot {name} already, of the claim {_claim_of(known)}"
            raise AmalgamError(reason, where=where, remedy=remedy)
        self._kubectl.create(
            {
                "apiVersion": f"{_API}/v1",
                "kind": "VolumeSnapshot",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {
                    # The role ceph_csi makes one for each class, of its name.
                    "volumeSnapshotClassName": storage_class,
                    "source": {"persistentVolumeClaimName": claim},
                },
            }
        )
        ready = ("--for=jsonpath={.status.readyToUse}=true", f"--timeout={_READY_SECONDS}s")
        self._kubectl.run("wait", f"{_SNAPSHOT}/{name}", "--namespace", namespace, *ready)

    def delete(self, namespace: str, claim: str, name: str) -> None:
        """Delete a snapshot.

        Raises:
            AmalgamError: there is no such snapshot.
        """
        known = self._kubectl.get(_SNAPSHOT, name, "--namespace", namespace)
        if known is None or _claim_of(known) != claim:
            raise missing(namespace, claim, name, [])
        self._kubectl.run("delete", _SNAPSHOT, name, "--namespace", namespace)

    def restore(self, namespace: str, source: str, claim: str, watch: Watch) -> None:
        """Make the claim ``claim`` of the snapshot ``source`` (CLAIM/SNAPSHOT), of the same size and class.

        Raises:
            AmalgamError: there is no such snapshot, or the name is taken.
        """
        watch(Step.LOOKING, 0, None)
        origin, _, name = source.partition("/")
        others = self.find(namespace, origin)
        snapshot = next((one for one in others if one.name == name), None)
        if snapshot is None:
            raise missing(namespace, origin, name, others)
        known = self._kubectl.get("pvc", claim, "--namespace", namespace)
        if known is None:
            self._kubectl.create(_wanted(snapshot, claim))
        elif known["spec"].get("dataSource", {}).get("name") != name:
            remedy = f"take another name, or delete it: kubectl -n {namespace} delete pvc {claim}"
            raise AmalgamError(f"there is a claim {claim} already", where=namespace, remedy=remedy)
        watch(Step.COPYING, 0, None)
        bound = ("--for=jsonpath={.status.phase}=Bound", f"--timeout={_COPY}")
        self._kubectl.run("wait", f"pvc/{claim}", "--namespace", namespace, *bound)

    def _class_of(self, namespace: str, claim: str) -> str:
        where, found = f"{namespace}/{claim}", self._kubectl.get("pvc", claim, "--namespace", namespace)
        if found is None:
            raise AmalgamError("there is no such claim", where=where, remedy=f"see: kubectl -n {namespace} get pvc")
        name: str = found["spec"].get("storageClassName") or ""
        described = self._kubectl.get("storageclass", name) if name else None
        if described is None or described["provisioner"] != DRIVER:
            reason, remedy = "the claim's volume is none of ceph-csi", "see: kubectl get storageclass"
            raise AmalgamError(reason, where=where, remedy=remedy)
        return name


def _claim_of(described: Object) -> str:
    name: str = described["spec"]["source"].get("persistentVolumeClaimName", "")
    return name


def _snapshot(described: Object, alive: bool) -> Snapshot:
    metadata, status = described["metadata"], described["status"]
    return Snapshot(
        namespace=metadata["namespace"],
        claim=_claim_of(described),
        name=metadata["name"],
        created=datetime.fromisoformat(status.get("creationTime") or metadata["creationTimestamp"]),
        storage_class=described["spec"].get("volumeSnapshotClassName") or "",
        folder="",
        quota=parse("storage", status.get("restoreSize", 0)),
        alive=alive,
    )


def _wanted(snapshot: Snapshot, name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": snapshot.namespace},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": quantity(snapshot.quota)}},
            "storageClassName": snapshot.storage_class,
            "dataSource": {"apiGroup": _API, "kind": "VolumeSnapshot", "name": snapshot.name},
        },
    }
