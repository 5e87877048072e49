from __future__ import annotations

import json

import pytest

HOSTVARS = {
    "master1": {"architecture": "amd64"},
    "gpu1": {"architecture": "amd64", "accelerator": "nvidia"},
    "npu1": {"architecture": "arm64", "accelerator": "ascend"},
}


@pytest.fixture
def marks(plugin):
    return plugin("filter", "node_marks")


def test_nodes_of_a_run_are_marked_by_what_the_inventory_says_of_them(marks) -> None:
    found = {one["name"]: one for one in marks.node_marks(HOSTVARS, ["master1", "npu1"], ["master1"])}
    assert set(found) == {"master1", "npu1"}
    assert found["master1"]["labels"] == {"masterselector": "dls-master-node"}
    assert found["npu1"]["labels"]["host-arch"] == "huawei-arm"


def test_a_bare_site_is_predicted_to_be_marked_as_a_whole(marks) -> None:
    changes = marks.node_changes("", json.dumps(marks.node_marks(HOSTVARS, ["gpu1"], ["master1"])), ["ascend"])
    assert [node["metadata"]["name"] for node in changes["labels"]] == ["gpu1"]
    assert changes["taints"] == []


def test_a_host_without_chips_needs_no_change_on_a_bare_site(marks) -> None:
    bare = {name: {**facts, "accelerator": ""} for name, facts in HOSTVARS.items()}
    assert marks.node_changes("", json.dumps(marks.node_marks(bare, list(bare), ["master1"])), ["nvidia"]) == {
        "labels": [],
        "taints": [],
    }


def test_only_nodes_with_accelerators_that_are_named_are_tainted(marks) -> None:
    wanted = json.dumps(marks.node_marks(HOSTVARS, ["gpu1", "npu1"], ["master1"]))
    changes = marks.node_changes("", wanted, ["ascend"])
    assert changes["taints"] == [["npu1", "huawei.com/Ascend910=present:NoSchedule"]]
