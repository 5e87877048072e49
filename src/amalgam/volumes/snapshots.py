"""Snapshots of volumes: list, create, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from amalgam.errors import AmalgamError
from amalgam.volumes.helper import Ended, Helper
from amalgam.volumes.names import require_name

_ENOENT, _EEXIST = 2, 17


@dataclass(frozen=True, order=True)
class Snapshot:
    """A volume as it was at one moment."""

    namespace: str
    claim: str
    name: str
    created: datetime
    storage_class: str
    folder: str
    """The volume's, on the control plane."""
    quota: int
    """Size of the volume (bytes)."""
    alive: bool
    """Whether the volume is still there."""

    @property
    def reference(self) -> str:
        """As people name it."""
        return f"{self.claim}/{self.name}"


@dataclass(frozen=True)
class Found:
    """What lies in the file system beside the volumes themselves."""

    snapshots: tuple[Snapshot, ...]
    left: tuple[str, ...]
    """Folders of restores that have not come to their end."""


def find(helper: Helper, *, namespace: str = "", claim: str = "") -> Found:
    """Every snapshot, or those of one namespace or claim.

    Raises:
        AmalgamError: the cluster or the file system does not answer.
    """
    ended = completed(helper.run(["list", *helper.roots.values()], list(helper.roots.values())))
    alive = {volume["metadata"]["name"] for volume in helper.kubectl.list("persistentvolumes")}
    rows = [line.split("\t") for line in ended.lines]
    every = [_snapshot(helper, row[1:], alive) for row in rows if row[0] == "snapshot"]
    chosen = [one for one in every if namespace in ("", one.namespace) and claim in ("", one.claim)]
    return Found(tuple(sorted(chosen)), tuple(f"{row[1]}/{row[2]}" for row in rows if row[0] == "left"))


def create(helper: Helper, namespace: str, claim: str, name: str) -> None:
    """Keep a volume as it is now, under a name.

    Raises:
        AmalgamError: there is no such claim, or it has no volume of ours; the name is taken, or none.
    """
    where = f"{namespace}/{claim}"
    require_name(name, "snapshot", where)
    folder = _folder(helper, namespace, claim)
    ended = helper.run(["create", folder, name], [folder.rpartition("/")[0]])
    if ended.code == _EEXIST or any("File exists" in line for line in ended.lines):
        remedy = f"take another name, or delete it: amalgam volume snapshot delete -n {namespace} {claim} {name}"
        raise AmalgamError(f"there is a snapshot {name} already", where=where, remedy=remedy)
    completed(ended)


def delete(helper: Helper, namespace: str, claim: str, name: str) -> None:
    """Delete a snapshot; with the last one of a volume that is no more, what is left of the volume goes.

    Raises:
        AmalgamError: there is no such snapshot.
    """
    volumes = helper.kubectl.list("persistentvolumes")
    claims = {volume["metadata"]["name"]: volume["spec"].get("claimRef", {}) for volume in volumes}
    alive = [key for key, of in claims.items() if (of.get("namespace"), of.get("name")) == (namespace, claim)]
    roots = list(helper.roots.values())
    ended = helper.run(["delete", f"{namespace}_{claim}", name, " ".join(alive), *roots], roots)
    if ended.code == _ENOENT:
        raise missing(namespace, claim, name, [])
    completed(ended)


def missing(namespace: str, claim: str, name: str, others: Sequence[Snapshot]) -> AmalgamError:
    """The error that a snapshot is not there; names those that are, where they are known."""
    known = f"there are: {', '.join(one.name for one in others)}" if others else ""
    remedy = known or f"see which there are: amalgam volume snapshot list -n {namespace}"
    return AmalgamError(f"there is no snapshot {name}", where=f"{namespace}/{claim}", remedy=remedy)


def completed(ended: Ended) -> Ended:
    """What ended well.

    Raises:
        AmalgamError: it did not.
    """
    if ended.code != 0:
        raise AmalgamError(
            f"ended with {ended.code}: {' '.join(ended.lines[-3:])}",
            where="helper pod",
            remedy="see `ceph status` on a storage host, and `systemctl status 'cephfs@*'` on the control plane",
        )
    return ended


def _snapshot(helper: Helper, row: Sequence[str], alive: set[str]) -> Snapshot:
    root, volume, name, created, quota = row
    uid, namespace, claim = volume.split("_")
    return Snapshot(
        namespace=namespace,
        claim=claim,
        name=name,
        created=datetime.fromtimestamp(float(created), tz=UTC),
        storage_class=next(key for key, value in helper.roots.items() if value == root),
        folder=f"{root}/{volume}",
        quota=int(quota),
        alive=uid in alive,
    )


def _folder(helper: Helper, namespace: str, claim: str) -> str:
    """The folder of a claim's volume, on the control plane."""
    where, found = f"{namespace}/{claim}", helper.kubectl.get("pvc", claim, "--namespace", namespace)
    if found is None:
        raise AmalgamError("there is no such claim", where=where, remedy=f"see: kubectl -n {namespace} get pvc")
    volume = found["spec"].get("volumeName")
    if volume is None or found["status"].get("phase") != "Bound":
        remedy = f"see why it has no volume yet: kubectl -n {namespace} describe pvc {claim}"
        raise AmalgamError("the claim is not bound", where=where, remedy=remedy)
    described = helper.kubectl.get("persistentvolume", volume) or {"spec": {}}
    path: str = described["spec"].get("hostPath", {}).get("path", "")
    if path.rpartition("/")[0] not in helper.roots.values():
        remedy = f"snapshots are for volumes of: {', '.join(helper.roots)}"
        raise AmalgamError("the claim's volume does not lie on the shared file system", where=where, remedy=remedy)
    return path
