from __future__ import annotations

import json

import pytest
from amalgam_accelerators.allocations import Allocations
from amalgam_accelerators.readings import ALLOCATIONS, Chip, ReadError

POD = "3f9c7f0e-1111-2222-3333-444455556666"
OTHER = "aaaaaaaa-1111-2222-3333-444455556666"
GPUS = [Chip(0, "GPU-a"), Chip(1, "GPU-b")]
NPUS = [Chip(0), Chip(1), Chip(12)]


@pytest.fixture
def allocations(tmp_path):
    def make(*entries: tuple[str, str, object]) -> Allocations:
        checkpoint = tmp_path / "kubelet_internal_checkpoint"
        listed = [
            {"PodUID": pod, "ContainerName": "main", "ResourceName": resource, "DeviceIDs": ids, "AllocResp": "CgA="}
            for pod, resource, ids in entries
        ]
        checkpoint.write_text(
            json.dumps({"Data": {"PodDeviceEntries": listed, "RegisteredDevices": {}}, "Checksum": 1})
        )
        return Allocations(checkpoint, tmp_path / "cgroup")

    return make


@pytest.mark.parametrize("ids", [{"-1": ["GPU-b"]}, {"0": ["GPU-b"], "1": None}, ["GPU-b"], ["GPU-b::3"], ["1"]])
def test_a_gpu_is_known_by_its_name_as_each_kubelet_and_plugin_writes_it(allocations, ids) -> None:
    assert allocations((POD, "nvidia.com/gpu", ids)).holders(GPUS, ("nvidia.com/",)) == {1: {POD}}


@pytest.mark.parametrize("device", ["Ascend910-12", "npu-12", "Ascend310P-12"])
def test_an_npu_is_known_by_the_number_in_its_name(allocations, device) -> None:
    held = allocations((POD, "huawei.com/Ascend910", {"0": [device]})).holders(NPUS, ("huawei.com/",))
    assert held == {12: {POD}}


@pytest.mark.parametrize("device", ["MIG-1c8b", "Ascend910-2c-100-1", "GPU-unknown", "", "Ascend910-99"])
def test_a_device_that_is_no_whole_chip_of_this_host_is_nobodys(allocations, device) -> None:
    held = allocations((POD, "huawei.com/x", [device]), (POD, "nvidia.com/x", [device]))
    assert held.holders(NPUS, ("huawei.com/",)) == {}
    assert held.holders(GPUS, ("nvidia.com/",)) == {}


def test_other_makers_devices_are_not_looked_at(allocations) -> None:
    held = allocations((POD, "example.com/nic", ["1"]), (OTHER, "huawei.com/Ascend910", ["Ascend910-1"]))
    assert held.holders(GPUS, ("nvidia.com/",)) == {}


def test_two_pods_may_share_a_gpu_in_time(allocations) -> None:
    held = allocations((POD, "nvidia.com/gpu.shared", ["GPU-a::0"]), (OTHER, "nvidia.com/gpu.shared", ["GPU-a::1"]))
    assert held.holders(GPUS, ("nvidia.com/",)) == {0: {POD, OTHER}}


@pytest.mark.parametrize(
    "group",
    [
        f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD.replace('-', '_')}.slice",
        f"kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice",
        f"kubepods/besteffort/pod{POD}",
        f"kubepods/pod{POD}",
        f"cpu,cpuacct/kubepods/burstable/pod{POD}",
    ],
)
def test_a_pod_that_has_ended_holds_nothing(allocations, tmp_path, group) -> None:
    held = allocations((POD, "nvidia.com/gpu", ["GPU-a"]), (OTHER, "nvidia.com/gpu", ["GPU-b"]))
    (tmp_path / "cgroup" / group).mkdir(parents=True)
    assert held.holders(GPUS, ("nvidia.com/",)) == {0: {POD}}


def test_a_host_without_a_kubelet_has_no_holders(tmp_path) -> None:
    assert Allocations(tmp_path / "none", tmp_path).holders(GPUS, ("nvidia.com/",)) == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"Data": {}}',
        '{"Data": {"PodDeviceEntries": [{}]}}',
        '{"Data": {"PodDeviceEntries": 3}}',
    ],
)
def test_a_checkpoint_that_is_broken_is_a_failure(tmp_path, content) -> None:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_text(content)
    with pytest.raises(ReadError) as caught:
        Allocations(checkpoint, tmp_path).holders(GPUS, ("nvidia.com/",))
    assert caught.value.reason == ALLOCATIONS


def test_a_checkpoint_without_entries_is_none(tmp_path) -> None:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_text('{"Data": {"PodDeviceEntries": null, "RegisteredDevices": {}}, "Checksum": 1}')
    assert Allocations(checkpoint, tmp_path).holders(GPUS, ("nvidia.com/",)) == {}
