"""A restore makes its claim wait until the data are there, and finishes what an earlier one began."""

from __future__ import annotations

import pytest

from amalgam.errors import AmalgamError
from amalgam.volumes.helper import Helper
from amalgam.volumes.restore import RESTORED_FROM, Step, quantity, restore

from .conftest import FakeKubectl

_LIST = "snapshot\t/srv/vision\tpvc-1_team_data\tbefore\t1763931908.0\t67108864"


def _ready(kubectl: FakeKubectl, *left: str) -> None:
    kubectl.answers |= {
        "list": (0, [_LIST, *(f"left\t/srv/vision\t{name}" for name in left)]),
        "restore": (0, ["copied\t0\t10", "copied\t9\t10", "comparing"]),
        "present": (0, []),
    }


def _run(helper: Helper, source: str = "data/before") -> list[tuple[Step, int, int | None]]:
    seen: list[tuple[Step, int, int | None]] = []
    restore(helper, "team", source, "copy", lambda *step: seen.append(step))
    return seen


def test_the_volume_is_described_when_its_data_are_there(kubectl: FakeKubectl, helper: Helper) -> None:
    _ready(kubectl)

    seen = _run(helper)

    claim = kubectl.objects["pvc", "copy"]
    volume = kubectl.objects["persistentvolume", claim["spec"]["volumeName"]]["spec"]
    assert claim["spec"]["storageClassName"] == volume["storageClassName"] == "vision"
    assert claim["spec"]["resources"]["requests"] == volume["capacity"] == {"storage": "64Mi"}
    assert claim["metadata"]["annotations"] == {RESTORED_FROM: "data/before"}
    folder = f"/srv/vision/{claim['spec']['volumeName']}_team_copy"
    assert volume["hostPath"] == {"path": folder, "type": "Directory"}
    assert volume["claimRef"] == {"namespace": "team", "name": "copy", "uid": "claims-uid"}
    assert [pod[0] for pod in kubectl.pods] == ["list", "restore", "present"]
    assert kubectl.pods[1][1:] == ["/srv/vision/pvc-1_team_data/.snap/before", folder, "67108864"]
    assert seen == [
        (Step.LOOKING, 0, None),
        (Step.COPYING, 0, 10),
        (Step.COPYING, 9, 10),
        (Step.COMPARING, 0, None),
        (Step.BINDING, 0, None),
    ]


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_the_volume_is_kept_where_its_class_keeps_volumes(kubectl: FakeKubectl, helper: Helper, policy: str) -> None:
    _ready(kubectl)
    kubectl.add("storageclass", "vision", reclaimPolicy=policy)

    _run(helper)

    (volume,) = [described for (kind, _), described in kubectl.objects.items() if kind == "persistentvolume"]
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == policy


def test_one_that_was_cut_off_goes_on_with_the_same_volume(kubectl: FakeKubectl, helper: Helper) -> None:
    _ready(kubectl, "restoring-pvc-9_team_copy")
    metadata = {"name": "copy", "namespace": "team", "uid": "u", "annotations": {RESTORED_FROM: "data/before"}}
    spec = {"volumeName": "pvc-9", "accessModes": ["ReadWriteMany"]}
    kubectl.add("pvc", "copy", metadata=metadata, spec=spec, status={"phase": "Pending"})

    _run(helper)

    assert kubectl.pods[1][2:] == ["/srv/vision/pvc-9_team_copy", "67108864"]
    assert ("persistentvolume", "pvc-9") in kubectl.objects


def test_what_was_given_up_is_cleared_and_what_others_restore_is_not(kubectl: FakeKubectl, helper: Helper) -> None:
    _ready(kubectl, "restoring-pvc-7_team_gone", "restored-pvc-8_team_going-on")
    kubectl.add("pvc", "going-on", spec={"volumeName": "pvc-8"})

    _run(helper)

    assert kubectl.pods[1][4:] == ["/srv/vision/restoring-pvc-7_team_gone"]


@pytest.mark.parametrize(("phase", "origin"), [("Bound", "data/before"), ("Pending", "data/other"), ("Pending", "")])
def test_a_claim_of_that_name_is_left_alone(kubectl: FakeKubectl, helper: Helper, phase: str, origin: str) -> None:
    _ready(kubectl)
    notes = {"annotations": {RESTORED_FROM: origin}} if origin else {}
    kubectl.add("pvc", "copy", metadata={"name": "copy", **notes}, spec={}, status={"phase": phase})

    with pytest.raises(AmalgamError, match="there is a claim copy already"):
        _run(helper)

    assert [pod[0] for pod in kubectl.pods] == ["list"]


@pytest.mark.parametrize("source", ["data/after", "data", "other/before"])
def test_a_snapshot_that_is_not_there_is_refused_before_anything_is_made(
    kubectl: FakeKubectl, helper: Helper, source: str
) -> None:
    _ready(kubectl)
    with pytest.raises(AmalgamError, match="there is no snapshot") as refused:
        _run(helper, source)
    known = "there are: before" if source.startswith("data") else "amalgam volume snapshot list -n team"
    assert known in refused.value.remedy
    assert ("pvc", "copy") not in kubectl.objects


@pytest.mark.parametrize(
    ("code", "said", "what", "remedy"),
    [
        (28, "", "do not fit", "enlarge its part in ceph_subvolumes"),
        (1, "cp: write error: Disk quota exceeded", "do not fit", "enlarge its part in ceph_subvolumes"),
        (1, "the copy differs from the snapshot", "the copy differs", "run the command again"),
    ],
)
def test_a_failed_copy_gives_the_name_back_and_says_what_to_do(
    kubectl: FakeKubectl, helper: Helper, code: int, said: str, what: str, remedy: str
) -> None:
    _ready(kubectl)
    kubectl.answers["restore"] = code, ["copied\t1\t10", said]

    with pytest.raises(AmalgamError, match=what) as failed:
        _run(helper)

    assert remedy in failed.value.remedy
    assert ("delete", "pvc", "copy", "--namespace", "team", "--wait=false") in kubectl.ran
    assert not [key for key in kubectl.objects if key[0] == "persistentvolume"]


@pytest.mark.parametrize(
    ("size", "text"), [(64 << 20, "64Mi"), (3 << 30, "3Gi"), (1 << 40, "1Ti"), (1536, "1536"), (0, "0")]
)
def test_sizes_are_written_as_kubernetes_does(size: int, text: str) -> None:
    assert quantity(size) == text
