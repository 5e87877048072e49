"""Snapshots as the cluster and the file system tell of them, and what is refused with which remedy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from amalgam.errors import AmalgamError
from amalgam.volumes.helper import Helper
from amalgam.volumes.kubectl import Kubectl
from amalgam.volumes.snapshots import create, delete, find

from .conftest import FakeKubectl

_ROWS = [
    "snapshot\t/srv/vision\tpvc-1_team_data\tbefore\t1763931908.465\t67108864",
    "snapshot\t/srv/nlp\tpvc-2_other_data\tfirst\t1763931909.000\t1024",
    "left\t/srv/vision\trestoring-pvc-3_team_copy",
]


def test_what_there_is_comes_with_its_class_its_time_and_whether_the_volume_lives(
    kubectl: FakeKubectl, helper: Helper
) -> None:
    kubectl.answers["list"] = 0, _ROWS
    kubectl.add("persistentvolume", "pvc-2", spec={})

    found = find(helper)

    one, other = found.snapshots[1], found.snapshots[0]
    assert (one.namespace, one.claim, one.name, one.storage_class) == ("team", "data", "before", "vision")
    assert one.folder == "/srv/vision/pvc-1_team_data"
    assert one.created == datetime(2025, 11, 23, 21, 5, 8, 465000, tzinfo=UTC)
    assert (one.alive, other.alive) == (False, True)
    assert found.left == ("/srv/vision/restoring-pvc-3_team_copy",)
    assert kubectl.pods == [["list", "/srv/vision", "/srv/nlp"]]


@pytest.mark.parametrize(("namespace", "claim", "count"), [("team", "", 1), ("", "data", 2), ("team", "none", 0)])
def test_a_namespace_and_a_claim_choose(
    kubectl: FakeKubectl, helper: Helper, namespace: str, claim: str, count: int
) -> None:
    kubectl.answers["list"] = 0, _ROWS
    assert len(find(helper, namespace=namespace, claim=claim).snapshots) == count


def _claim(kubectl: FakeKubectl, path: str = "/srv/vision/pvc-1_team_data", phase: str = "Bound") -> None:
    spec: dict[str, Any] = {"volumeName": "pvc-1"} if phase == "Bound" else {}
    kubectl.add("pvc", "data", spec=spec, status={"phase": phase})
    kubectl.add("persistentvolume", "pvc-1", spec={"hostPath": {"path": path}})


def test_a_snapshot_is_made_with_the_one_class_at_hand(kubectl: FakeKubectl, helper: Helper) -> None:
    _claim(kubectl)
    kubectl.answers["create"] = 0, []
    create(helper, "team", "data", "before")
    assert kubectl.pods == [["create", "/srv/vision/pvc-1_team_data", "before"]]


@pytest.mark.parametrize("name", ["Before", "_before", "a/b", ""])
def test_a_name_that_is_none_is_refused_before_anything_runs(kubectl: FakeKubectl, helper: Helper, name: str) -> None:
    _claim(kubectl)
    with pytest.raises(AmalgamError, match="is no name for a snapshot"):
        create(helper, "team", "data", name)
    assert kubectl.pods == []


def test_a_claim_that_is_not_there_is_refused(helper: Helper) -> None:
    with pytest.raises(AmalgamError, match="there is no such claim") as refused:
        create(helper, "team", "data", "before")
    assert refused.value.remedy == "see: kubectl -n team get pvc"


def test_a_claim_without_a_volume_is_refused(kubectl: FakeKubectl, helper: Helper) -> None:
    _claim(kubectl, phase="Pending")
    with pytest.raises(AmalgamError, match="not bound"):
        create(helper, "team", "data", "before")


def test_a_volume_that_lies_elsewhere_is_refused(kubectl: FakeKubectl, helper: Helper) -> None:
    _claim(kubectl, path="/mnt/disk/pvc-1")
    with pytest.raises(AmalgamError, match="does not lie on the shared file system") as refused:
        create(helper, "team", "data", "before")
    assert "vision, nlp" in refused.value.remedy


@pytest.mark.parametrize("ended", [(17, []), (1, ["mkdir: can't create directory 'before': File exists"])])
def test_a_name_that_is_taken_is_refused(kubectl: FakeKubectl, helper: Helper, ended: tuple[int, list[str]]) -> None:
    _claim(kubectl)
    kubectl.answers["create"] = ended
    with pytest.raises(AmalgamError, match="there is a snapshot before already") as refused:
        create(helper, "team", "data", "before")
    assert "amalgam volume snapshot delete -n team data before" in refused.value.remedy


def test_a_failure_says_what_the_pod_said(kubectl: FakeKubectl, helper: Helper) -> None:
    _claim(kubectl)
    kubectl.answers["create"] = 1, ["mkdir: Operation not permitted"]
    with pytest.raises(AmalgamError, match="ended with 1: mkdir: Operation not permitted"):
        create(helper, "team", "data", "before")


def test_a_deletion_knows_which_volumes_of_the_claim_live(kubectl: FakeKubectl, helper: Helper) -> None:
    kubectl.add("persistentvolume", "pvc-1", spec={"claimRef": {"namespace": "team", "name": "data"}})
    kubectl.add("persistentvolume", "pvc-2", spec={"claimRef": {"namespace": "other", "name": "data"}})
    kubectl.answers["delete"] = 0, []
    delete(helper, "team", "data", "before")
    assert kubectl.pods == [["delete", "team_data", "before", "pvc-1", "/srv/vision", "/srv/nlp"]]


def test_a_snapshot_that_is_not_there_is_not_deleted(kubectl: FakeKubectl, helper: Helper) -> None:
    kubectl.answers["delete"] = 2, []
    with pytest.raises(AmalgamError, match="there is no snapshot before"):
        delete(helper, "team", "data", "before")


def test_a_cluster_without_the_provisioner_is_told_so(kubectl: FakeKubectl) -> None:
    kubectl.objects.clear()
    with pytest.raises(AmalgamError, match="no volumes on the shared file system") as refused:
        Helper(kubectl)
    assert "ceph_subvolumes" in refused.value.remedy


def test_a_machine_without_kubectl_is_told_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AmalgamError, match="kubectl is not installed") as refused:
        Kubectl()
    assert "bundle" in refused.value.remedy
