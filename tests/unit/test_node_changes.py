from __future__ import annotations

import json
from typing import Any

from amalgam.chips.labels import NodeMarks, both, control_plane_marks, worker_marks
from amalgam.chips.table import ASCEND, NVIDIA
from amalgam.node_changes import label_changes, read_nodes, taint_changes

GPU = worker_marks("gpu1", "nvidia", "amd64")
OTHERS_TAINT = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}


def _line(name: str, labels: dict[str, str], taints: list[dict[str, str]] | None = None, ours: Any = ()) -> str:
    fields = {"f:metadata": {"f:labels": {f"f:{key}": {} for key in ours}}}
    return "\t".join(
        [name, json.dumps(labels), json.dumps(taints) if taints else "", json.dumps(fields) if ours else ""]
    )


def test_an_npu_node_has_the_labels_that_mindcluster_looks_for() -> None:
    labels = worker_marks("npu1", "ascend", "arm64").labels
    assert labels == {
        "accelerator": "huawei-Ascend910",
        "accelerator-type": "module",
        "host-arch": "huawei-arm",
        "workerselector": "dls-worker-node",
    }
    assert worker_marks("npu2", "ascend", "amd64").labels["host-arch"] == "huawei-x86"
    assert control_plane_marks("master1", {"ascend", "nvidia"}).labels == {"masterselector": "dls-master-node"}


def test_a_node_without_chips_is_marked_as_nothing() -> None:
    assert worker_marks("cpu1", None, "amd64") == NodeMarks("cpu1")
    assert control_plane_marks("master1", {"nvidia", ""}) == NodeMarks("master1")


def test_a_node_that_is_both_has_the_marks_of_both() -> None:
    marks = both(worker_marks("node1", "ascend", "arm64"), control_plane_marks("node1", {"ascend"}))
    assert {"masterselector", "workerselector"} <= set(marks.labels)
    assert marks.taints == [ASCEND.taint]


def test_nodes_that_have_their_labels_are_left_alone() -> None:
    there = {**GPU.labels, "kubernetes.io/arch": "amd64"}
    nodes = read_nodes(
        "\n".join([_line("gpu1", there, ours=GPU.labels), _line("gpu2", {"kubernetes.io/arch": "amd64"})])
    )
    wanted = [GPU, worker_marks("gpu2", "nvidia", "amd64")]
    assert [node["metadata"] for node in label_changes(wanted, nodes)] == [{"name": "gpu2", "labels": GPU.labels}]


def test_a_label_changed_by_hand_is_set_again() -> None:
    changed = {**GPU.labels, "accelerator": "other"}
    assert len(label_changes([GPU], read_nodes(_line("gpu1", changed, ours=GPU.labels)))) == 1


def test_labels_of_chips_that_are_gone_go_and_those_of_others_stay() -> None:
    nodes = read_nodes(_line("gpu1", {**GPU.labels, "team": "vision"}, ours=GPU.labels))
    (applied,) = label_changes([NodeMarks("gpu1")], nodes)
    assert applied["metadata"] == {"name": "gpu1", "labels": {}}
    assert label_changes([NodeMarks("gpu1")], read_nodes(_line("gpu1", {"team": "vision"}))) == []


def test_without_a_cluster_all_is_to_be_done() -> None:
    assert [node["metadata"]["name"] for node in label_changes([GPU], read_nodes(""))] == ["gpu1"]
    assert taint_changes([GPU], read_nodes(""), tainted=["nvidia"]) == [["gpu1", "nvidia.com/gpu=present:NoSchedule"]]


def test_a_node_that_did_not_join_is_not_made_by_a_label() -> None:
    others = read_nodes(_line("gpu2", {}))
    assert label_changes([GPU], others) == []
    assert taint_changes([GPU], others, tainted=["nvidia"]) == []


def test_taints_are_set_where_they_lack_and_others_are_left_alone() -> None:
    nodes = read_nodes(_line("gpu1", {}, [OTHERS_TAINT]))
    assert taint_changes([GPU], nodes, tainted=["nvidia"]) == [["gpu1", "nvidia.com/gpu=present:NoSchedule"]]
    nodes = read_nodes(_line("gpu1", {}, [OTHERS_TAINT, NVIDIA.taint]))
    assert taint_changes([GPU], nodes, tainted=["nvidia"]) == []


def test_taints_that_are_not_wanted_any_more_are_taken_away() -> None:
    nodes = read_nodes(_line("gpu1", {}, [OTHERS_TAINT, NVIDIA.taint]))
    assert taint_changes([GPU], nodes, tainted=["ascend"]) == [["gpu1", "nvidia.com/gpu-"]]
    assert taint_changes([GPU], read_nodes(_line("gpu1", {}, [OTHERS_TAINT])), tainted=["ascend"]) == []
