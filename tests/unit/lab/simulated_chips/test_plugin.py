from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from amalgam.lab.simulated_chips.on_node import plugin
from amalgam.lab.simulated_chips.on_node.machine import HEALTHY, UNHEALTHY, Machine
from amalgam.lab.simulated_chips.on_node.messages import message

pytestmark = pytest.mark.timeout(60)


class Kubelet:
    """The kubelet's side of the API, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registrations: queue.Queue[Any] = queue.Queue()

    def start(self) -> None:
        for socket in self.folder.iterdir():
            # The plugin, when its registration is cut off, removes its own.
            socket.unlink(missing_ok=True)
        handler = grpc.unary_unary_rpc_method_handler(
            self._register, message("RegisterRequest").FromString, lambda answer: answer.SerializeToString()
        )
        self._server = grpc.server(ThreadPoolExecutor(2))
        services = grpc.method_handlers_generic_handler("v1beta1.Registration", {"Register": handler})
        self._server.add_generic_rpc_handlers((services,))
        self._server.add_insecure_port(f"unix:{self.folder / plugin.KUBELET}")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()

    def _register(self, request: Any, _: object) -> Any:
        self.registrations.put(request)
        return message("Empty")()

    def call(self, endpoint: str, method: str, request: Any, answer: str, *, stream: bool = False) -> Any:
        channel = grpc.insecure_channel(f"unix:{self.folder / endpoint}")
        make = channel.unary_stream if stream else channel.unary_unary
        call = make(
            f"/v1beta1.DevicePlugin/{method}", lambda sent: sent.SerializeToString(), message(answer).FromString
        )
        return call(request, timeout=30)


@pytest.fixture
def kubelet(tmp_path: Path) -> Iterator[Kubelet]:
    folder = tmp_path / "plugins"
    folder.mkdir()
    kubelet = Kubelet(folder)
    kubelet.start()
    yield kubelet
    kubelet.stop()


@pytest.fixture
def serve(kubelet: Kubelet) -> Iterator[Callable[[Machine], None]]:
    stop, threads = threading.Event(), []

    def start(machine: Machine) -> None:
        threads.append(threading.Thread(target=plugin.serve, args=(machine, stop, kubelet.folder)))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join()


def _health(answer: Any) -> dict[str, str]:
    return {device.ID: device.health for device in answer.devices}


def test_the_kubelet_is_told_of_all_chips_and_of_each_change_of_health(make_machine, kubelet, serve) -> None:
    machine = make_machine("ascend")
    serve(machine)
    registration = kubelet.registrations.get(timeout=20)
    assert (registration.version, registration.resource_name) == ("v1beta1", "huawei.com/Ascend910")
    assert registration.options.get_preferred_allocation_available
    told = kubelet.call(registration.endpoint, "ListAndWatch", message("Empty")(), "ListAndWatchResponse", stream=True)
    assert _health(next(told)) == {f"Ascend910-{number}": "Healthy" for number in range(8)}
    machine.change(3, health=UNHEALTHY)
    assert [device for device, health in _health(next(told)).items() if health == "Unhealthy"] == ["Ascend910-3"]


def test_a_kubelet_that_restarts_is_told_again(make_machine, kubelet, serve) -> None:
    serve(make_machine("nvidia"))
    assert kubelet.registrations.get(timeout=20).resource_name == "nvidia.com/gpu"
    kubelet.stop()
    kubelet.start()
    again = kubelet.registrations.get(timeout=20)
    assert again.resource_name == "nvidia.com/gpu"
    options = kubelet.call(again.endpoint, "GetDevicePluginOptions", message("Empty")(), "DevicePluginOptions")
    assert options.get_preferred_allocation_available


def test_four_chips_are_preferred_from_one_ring(make_machine) -> None:
    request = message("PreferredAllocationRequest")()
    free = [f"Ascend910-{number}" for number in (1, 2, 3, 4, 5, 6, 7)]
    request.container_requests.add(available_deviceIDs=free, allocation_size=4)
    (chosen,) = plugin.Plugin(make_machine("ascend")).prefer(request, None).container_responses
    assert list(chosen.deviceIDs) == [f"Ascend910-{number}" for number in (4, 5, 6, 7)]


def test_a_ring_with_a_chip_that_is_ill_is_not_given_to_a_job_that_wants_all_of_it(make_machine) -> None:
    machine = make_machine("ascend")
    offered = plugin.Plugin(machine)
    told = offered.watch(None, None)
    next(told)

    def preferred(size: int) -> list[str]:
        # The kubelet names the healthy ones alone.
        offered.look()
        request = message("PreferredAllocationRequest")()
        free = [device for device, health in _health(next(told)).items() if health == "Healthy"]
        request.container_requests.add(available_deviceIDs=free, allocation_size=size)
        (chosen,) = offered.prefer(request, None).container_responses
        return [device.removeprefix("Ascend910-") for device in chosen.deviceIDs]

    machine.change(3, health=UNHEALTHY)
    assert preferred(4) == ["4", "5", "6", "7"]
    machine.change(7, health=UNHEALTHY)
    assert preferred(2) == ["0", "1"]
    machine.change(3, health=HEALTHY)
    assert preferred(4) == ["0", "1", "2", "3"]


def test_a_container_is_told_its_chips_as_the_vendors_runtime_wants_them(make_machine) -> None:
    request = message("AllocateRequest")()
    request.container_requests.add(devices_ids=["Ascend910-5", "Ascend910-4"])
    (given,) = plugin.Plugin(make_machine("ascend")).allocate(request, None).container_responses
    assert dict(given.envs) == {"ASCEND_VISIBLE_DEVICES": "4,5"}
    gpus = make_machine("nvidia")
    request = message("AllocateRequest")()
    request.container_requests.add(devices_ids=[gpus.chips[2].device])
    (given,) = plugin.Plugin(gpus).allocate(request, None).container_responses
    assert dict(given.envs) == {"NVIDIA_VISIBLE_DEVICES": gpus.chips[2].uuid}
