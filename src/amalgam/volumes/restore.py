"""A snapshot into a new claim, which gets its volume only when all data are in it and have been compared.

From the start the claim is there, and Pending: it names a volume that is not there yet. So its name is taken, pods that
ask for it wait, and a restore that was cut off is found and made good by the same command.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from enum import StrEnum

from amalgam.errors import AmalgamError
from amalgam.volumes.helper import NAMESPACE, PROVISIONER, Helper
from amalgam.volumes.kubectl import Object
from amalgam.volumes.names import require_name
from amalgam.volumes.snapshots import Found, Snapshot, completed, find, missing

RESTORED_FROM = f"{NAMESPACE}/restored-from"
"""Annotation of a claim: CLAIM/SNAPSHOT."""

_CAPABILITIES = ("CHOWN", "FSETID")
"""What it takes to give files their owners and modes."""

_BIND_SECONDS = 60
_ENOSPC = 28


class Step(StrEnum):
    """What goes on."""

    LOOKING = "looking for the snapshot"
    COPYING = "copying"
    COMPARING = "comparing"
    BINDING = "binding"


Watch = Callable[[Step, int, int | None], None]
"""Told what goes on, how many bytes are done, and of how many (``None`` where that is not counted)."""


def restore(helper: Helper, namespace: str, source: str, claim: str, watch: Watch) -> None:
    """Make the claim ``claim`` of the snapshot ``source`` (CLAIM/SNAPSHOT), of the same size and class.

    Raises:
        AmalgamError: there is no such snapshot, the name is taken, the data do not fit, or the copy differs.
    """
    require_name(claim, "claim", namespace)
    watch(Step.LOOKING, 0, None)
    found = find(helper)
    snapshot = _choose(found, namespace, source)
    pending = _claim(helper, snapshot, claim)
    volume = pending["spec"]["volumeName"]
    folder = f"{helper.roots[snapshot.storage_class]}/{volume}_{namespace}_{claim}"
    _copy(helper, snapshot, pending, folder, _given_up(helper, found, snapshot), watch)
    completed(helper.run(["present", folder], [helper.roots[snapshot.storage_class]]))
    watch(Step.BINDING, 0, None)
    if helper.kubectl.get("persistentvolume", volume) is None:
        described = helper.kubectl.get("storageclass", snapshot.storage_class)
        policy = described["reclaimPolicy"] if described else "Delete"
        helper.kubectl.create(_volume(snapshot, pending, folder, policy))
    # The cluster looks at a claim when it changes, and otherwise now and then.
    where = (f"pvc/{claim}", "--namespace", namespace)
    helper.kubectl.run("annotate", *where, "--overwrite", f"{NAMESPACE}/restored=complete")
    helper.kubectl.run("wait", *where, "--for=jsonpath={.status.phase}=Bound", f"--timeout={_BIND_SECONDS}s")


def _choose(found: Found, namespace: str, source: str) -> Snapshot:
    claim, _, name = source.partition("/")
    others = [one for one in found.snapshots if (one.namespace, one.claim) == (namespace, claim)]
    chosen = next((one for one in others if one.name == name), None)
    if chosen is None:
        raise missing(namespace, claim, name, others)
    return chosen


def _claim(helper: Helper, snapshot: Snapshot, name: str) -> Object:
    """The claim as it waits for its volume, made now or by a run that was cut off."""
    where = ("pvc", name, "--namespace", snapshot.namespace)
    known: Object | None = helper.kubectl.get(*where)
    if known is None:
        helper.kubectl.create(_wanted(snapshot, name))
        known = helper.kubectl.get(*where)
    origin = (known or {}).get("metadata", {}).get("annotations", {}).get(RESTORED_FROM)
    if known is None or known["status"].get("phase") != "Pending" or origin != snapshot.reference:
        was = f", restored from {origin}" if origin else ""
        raise AmalgamError(
            f"there is a claim {name} already{was}",
            where=snapshot.namespace,
            remedy=f"take another name, or delete it: kubectl -n {snapshot.namespace} delete pvc {name}",
        )
    return known


def _wanted(snapshot: Snapshot, name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": snapshot.namespace,
            "annotations": {RESTORED_FROM: snapshot.reference},
        },
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": quantity(snapshot.quota)}},
            "storageClassName": snapshot.storage_class,
            "volumeName": f"pvc-{uuid.uuid4()}",
        },
    }


def _volume(snapshot: Snapshot, claim: Object, folder: str, policy: str) -> Object:
    """The volume as the provisioner would have described it, so that it reclaims it with the claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": claim["spec"]["volumeName"],
            "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
        },
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": quantity(snapshot.quota)},
            "claimRef": {key: claim["metadata"][key] for key in ("namespace", "name", "uid")},
            "hostPath": {"path": folder, "type": "Directory"},
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": snapshot.storage_class,
        },
    }


def _given_up(helper: Helper, found: Found, snapshot: Snapshot) -> list[str]:
    """What restores left whose claim is gone, so that nobody will make them good."""
    # A claim is made before its folder: one whose folder was seen a moment ago and that is not there now was deleted.
    claims = helper.kubectl.list("pvc", "--all-namespaces")
    wanted = {claim["spec"].get("volumeName") for claim in claims}
    root = helper.roots[snapshot.storage_class]
    left = [folder for folder in found.left if folder.rpartition("/")[0] == root]
    return [folder for folder in left if "pvc-" + folder.partition("-pvc-")[2].partition("_")[0] not in wanted]


def _copy(helper: Helper, snapshot: Snapshot, claim: Object, folder: str, given_up: list[str], watch: Watch) -> None:
    """Let a helper pod copy and compare."""

    def progress(line: str) -> None:
        if line.startswith("copied\t"):
            done, total = (int(word) for word in line.split("\t")[1:])
            watch(Step.COPYING, done, total)
        elif line == "comparing":
            watch(Step.COMPARING, 0, None)

    ended = helper.run(
        ["restore", f"{snapshot.folder}/.snap/{snapshot.name}", folder, str(snapshot.quota), *given_up],
        [helper.roots[snapshot.storage_class]],
        name=f"restore-{claim['metadata']['uid']}",
        capabilities=_CAPABILITIES,
        watch=progress,
    )
    if ended.code == 0:
        return
    name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
    helper.kubectl.run("delete", "pvc", name, "--namespace", namespace, "--wait=false")
    said = " ".join([line for line in ended.lines if not line.startswith("copied\t")][-3:])
    full = ended.code == _ENOSPC or "quota exceeded" in said
    raise AmalgamError(
        f"nothing was restored: {'its data do not fit any more' if full else said or f'ended with {ended.code}'}",
        where=f"{namespace}/{name}",
        remedy=(
            f"free space in volumes of the class {snapshot.storage_class}, or enlarge its part in ceph_subvolumes"
            if full
            else "run the command again; where it fails again, see `ceph status` on a storage host"
        ),
    )


def quantity(size: int) -> str:
    """A number of bytes as Kubernetes writes it (``64Mi``)."""
    for exponent, suffix in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")):
        if size and size % 1024**exponent == 0:
            return f"{size // 1024**exponent}{suffix}"
    return str(size)
