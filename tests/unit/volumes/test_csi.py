"""With ceph-csi, the same commands make and read the objects that Kubernetes has for snapshots."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from amalgam.errors import AmalgamError
from amalgam.volumes.csi import DRIVER, CephCsi
from amalgam.volumes.provisioner import LocalPath, provisioner_of
from amalgam.volumes.restore import Step

from .conftest import FakeKubectl

_SNAPSHOT = "volumesnapshot.snapshot.storage.k8s.io"
_CONTENT = "volumesnapshotcontent.snapshot.storage.k8s.io"


@pytest.fixture
def csi(kubectl: FakeKubectl) -> CephCsi:
    """A cluster of two claims: ``data`` of ceph-csi, ``other`` of something else."""
    kubectl.add("storageclass", "vision", provisioner=DRIVER)
    kubectl.add("storageclass", "foreign", provisioner="somebody.else")
    kubectl.add("pvc", "data", spec={"storageClassName": "vision"})
    kubectl.add("pvc", "other", spec={"storageClassName": "foreign"})
    kubectl.add("persistentvolume", "pvc-1", spec={"csi": {"volumeHandle": "handle-1"}})
    return CephCsi(kubectl)


def _exists(kubectl: FakeKubectl, name: str, *, claim: str = "data", handle: str = "handle-1") -> None:
    kubectl.add(_CONTENT, f"content-{name}", spec={"source": {"volumeHandle": handle}})
    kubectl.add(
        _SNAPSHOT,
        name,
        metadata={"name": name, "namespace": "team", "creationTimestamp": "2025-11-23T21:05:00Z"},
        spec={"volumeSnapshotClassName": "vision", "source": {"persistentVolumeClaimName": claim}},
        status={
            "readyToUse": True,
            "creationTime": "2025-11-23T21:05:08Z",
            "restoreSize": "64Mi",
            "boundVolumeSnapshotContentName": f"content-{name}",
        },
    )


def test_the_cluster_says_who_provides_its_volumes(kubectl: FakeKubectl) -> None:
    assert isinstance(provisioner_of(kubectl), LocalPath)
    kubectl.add("csidriver", DRIVER)
    assert isinstance(provisioner_of(kubectl), CephCsi)


def test_a_snapshot_is_made_by_the_class_of_its_claim_and_awaited(kubectl: FakeKubectl, csi: CephCsi) -> None:
    csi.create("team", "data", "before")

    assert kubectl.objects[_SNAPSHOT, "before"]["spec"] == {
        "volumeSnapshotClassName": "vision",
        "source": {"persistentVolumeClaimName": "data"},
    }
    (waited,) = kubectl.ran
    assert waited[:4] == ("wait", f"{_SNAPSHOT}/before", "--namespace", "team")
    assert "--for=jsonpath={.status.readyToUse}=true" in waited


@pytest.mark.parametrize(
    ("claim", "name", "reason"),
    [
        ("absent", "before", "there is no such claim"),
        ("other", "before", "none of ceph-csi"),
        ("data", "Before", "is no name for a snapshot"),
        ("data", "taken", "there is a snapshot taken already, of the claim data"),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_remedy(
    kubectl: FakeKubectl, csi: CephCsi, claim: str, name: str, reason: str
) -> None:
    _exists(kubectl, "taken")

    with pytest.raises(AmalgamError, match=reason) as refused:
        csi.create("team", claim, name)

    assert refused.value.remedy
    assert kubectl.ran == []


def test_what_there_is_comes_with_its_class_its_time_and_whether_the_volume_lives(
    kubectl: FakeKubectl, csi: CephCsi
) -> None:
    _exists(kubectl, "before")
    _exists(kubectl, "older", claim="gone", handle="handle-0")
    kubectl.add(_SNAPSHOT, "not-yet", spec={"source": {"persistentVolumeClaimName": "data"}})

    one, other = csi.find("team")

    assert (one.claim, one.name, one.storage_class, one.quota) == ("data", "before", "vision", 64 << 20)
    assert one.created == datetime(2025, 11, 23, 21, 5, 8, tzinfo=UTC)
    assert (one.alive, other.alive) == (True, False)
    assert csi.find("team", "gone") == [other]


def test_only_a_snapshot_of_that_claim_is_deleted(kubectl: FakeKubectl, csi: CephCsi) -> None:
    _exists(kubectl, "before")

    with pytest.raises(AmalgamError, match="there is no snapshot before"):
        csi.delete("team", "other", "before")
    assert kubectl.ran == []
    csi.delete("team", "data", "before")

    assert kubectl.ran == [("delete", _SNAPSHOT, "before", "--namespace", "team")]


def _restore(csi: CephCsi, source: str = "data/before") -> list[Step]:
    steps: list[Step] = []
    csi.restore("team", source, "copy", lambda step, _done, _total: steps.append(step))
    return steps


def test_a_restore_is_a_claim_of_the_same_size_and_class_and_awaited(kubectl: FakeKubectl, csi: CephCsi) -> None:
    _exists(kubectl, "before")

    assert _restore(csi) == [Step.LOOKING, Step.COPYING]

    assert kubectl.objects["pvc", "copy"]["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "64Mi"}},
        "storageClassName": "vision",
        "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "before"},
    }
    assert "--for=jsonpath={.status.phase}=Bound" in kubectl.ran[-1]


def test_one_that_was_cut_off_is_waited_for_again(kubectl: FakeKubectl, csi: CephCsi) -> None:
    _exists(kubectl, "before")
    _restore(csi)
    made = kubectl.objects["pvc", "copy"]

    _restore(csi)

    assert kubectl.objects["pvc", "copy"] is made
    assert len(kubectl.ran) == 2


@pytest.mark.parametrize(
    ("source", "remedy"),
    [("data/absent", "there are: before"), ("none/before", "amalgam volume snapshot list -n team")],
)
def test_a_snapshot_that_is_not_there_is_not_restored(
    kubectl: FakeKubectl, csi: CephCsi, source: str, remedy: str
) -> None:
    _exists(kubectl, "before")

    with pytest.raises(AmalgamError, match="there is no snapshot") as refused:
        _restore(csi, source)

    assert remedy in refused.value.remedy


def test_a_claim_of_that_name_is_left_alone(kubectl: FakeKubectl, csi: CephCsi) -> None:
    _exists(kubectl, "before")
    kubectl.add("pvc", "copy", spec={"storageClassName": "vision"})

    with pytest.raises(AmalgamError, match="there is a claim copy already"):
        _restore(csi)

    assert kubectl.ran == []
