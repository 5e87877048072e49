"""The simulated device plugin: what the kubelet asks of it, and its registration, anew whenever the kubelet is.

Source: https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from .allocation import preferred
from .machine import HEALTHY, Machine
from .messages import PACKAGE, message

FOLDER = Path("/var/lib/kubelet/device-plugins")
KUBELET = "kubelet.sock"
ENDPOINT = "simulated-chips.sock"

_POLL_SECONDS = 0.5
_CALL_SECONDS = 10.0
# Each stream of the kubelet holds one; an old stream may end after the new one began.
_THREADS = 8

Message = Any
Identity = tuple[int, int]


class Plugin:
    """Answers the kubelet."""

    def __init__(self, machine: Machine) -> None:
        """Offer the chips of ``machine``."""
        self._machine = machine
        self._by_device = {chip.device: chip for chip in machine.chips}
        self._changed = threading.Condition()
        self._healthy: dict[str, bool] = {}
        self._ended = False
        self.look()

    def look(self) -> None:
        """Take in how the chips are now, and tell who watches if that is news."""
        readings = self._machine.readings()
        healthy = {chip.device: readings[chip.index].health == HEALTHY for chip in self._machine.chips}
        with self._changed:
            if healthy != self._healthy:
                self._healthy = healthy
                self._changed.notify_all()

    def end(self) -> None:
        """End all streams."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def options(self, _request: Message, _context: object) -> Message:
        """``GetDevicePluginOptions``."""
        return message("DevicePluginOptions")(get_preferred_allocation_available=True)

    def watch(self, _request: Message, _context: object) -> Iterator[Message]:
        """``ListAndWatch``: all chips at once, and again at each change of health."""
        told: dict[str, bool] | None = None
        while (told := self._next(told)) is not None:
            devices = [
                message("Device")(ID=device, health="Healthy" if healthy else "Unhealthy")
                for device, healthy in told.items()
            ]
            yield message("ListAndWatchResponse")(devices=devices)

    def _next(self, told: dict[str, bool] | None) -> dict[str, bool] | None:
        """Wait for other news than what was told last; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._healthy != told)
            return None if self._ended else self._healthy

    def prefer(self, request: Message, _context: object) -> Message:
        """``GetPreferredAllocation``."""
        answer = message("PreferredAllocationResponse")()
        for one in request.container_requests:
            chosen = preferred(
                [self._by_device[device].index for device in one.available_deviceIDs],
                one.allocation_size,
                rings=self._machine.rings,
                required=[self._by_device[device].index for device in one.must_include_deviceIDs],
            )
            devices = [chip.device for chip in self._machine.chips if chip.index in chosen]
            answer.container_responses.add(deviceIDs=devices)
        return answer

    def allocate(self, request: Message, _context: object) -> Message:
        """``Allocate``: the chips by their names in the environment, as the vendors' runtimes want them."""
        answer = message("AllocateResponse")()
        for one in request.container_requests:
            chips = sorted((self._by_device[device] for device in one.devices_ids), key=lambda chip: chip.index)
            answer.container_responses.add(envs={self._machine.variable: ",".join(chip.visible_as for chip in chips)})
        return answer


def serve(machine: Machine, stop: threading.Event, folder: Path = FOLDER) -> None:
    """Be the device plugin of the kubelet in ``folder`` until told to stop; waits for a kubelet that is not there."""
    while not stop.is_set():
        kubelet = _identity(folder / KUBELET)
        if kubelet is not None:
            try:
                _serve_one(machine, kubelet, stop, folder)
            except grpc.RpcError as error:
                _say(f"the kubelet did not take the registration: {error}")
        stop.wait(_POLL_SECONDS)


def _serve_one(machine: Machine, kubelet: Identity, stop: threading.Event, folder: Path) -> None:
    """Serve one life of the kubelet: it removes the sockets of all plugins when it starts."""
    plugin = Plugin(machine)
    own = folder / ENDPOINT
    own.unlink(missing_ok=True)
    server = grpc.server(ThreadPoolExecutor(_THREADS))
    server.add_generic_rpc_handlers((_handlers(plugin),))
    server.add_insecure_port(f"unix:{own}")
    server.start()
    try:
        _register(machine, folder)
        _say(f"the kubelet knows of {len(machine.chips)} simulated {machine.resource}")
        while not stop.is_set() and _identity(folder / KUBELET) == kubelet and own.exists():
            plugin.look()
            stop.wait(_POLL_SECONDS)
    finally:
        plugin.end()
        server.stop(grace=None).wait()


def _register(machine: Machine, folder: Path) -> None:
    request = message("RegisterRequest")(
        version=PACKAGE,
        endpoint=ENDPOINT,
        resource_name=machine.resource,
        options=message("DevicePluginOptions")(get_preferred_allocation_available=True),
    )
    with grpc.insecure_channel(f"unix:{folder / KUBELET}") as channel:
        call = channel.unary_unary(
            f"/{PACKAGE}.Registration/Register",
            request_serializer=lambda sent: sent.SerializeToString(),
            response_deserializer=message("Empty").FromString,
        )
        call(request, timeout=_CALL_SECONDS)


def _handlers(plugin: Plugin) -> Any:  # noqa: ANN401 - gRPC has no types of its own
    def unary(function: Callable[..., Message], request: str) -> Any:  # noqa: ANN401
        return grpc.unary_unary_rpc_method_handler(
            function, message(request).FromString, lambda answer: answer.SerializeToString()
        )

    watch = grpc.unary_stream_rpc_method_handler(
        plugin.watch, message("Empty").FromString, lambda answer: answer.SerializeToString()
    )
    methods = {
        "GetDevicePluginOptions": unary(plugin.options, "Empty"),
        "ListAndWatch": watch,
        "GetPreferredAllocation": unary(plugin.prefer, "PreferredAllocationRequest"),
        "Allocate": unary(plugin.allocate, "AllocateRequest"),
    }
    return grpc.method_handlers_generic_handler(f"{PACKAGE}.DevicePlugin", methods)


def _identity(socket: Path) -> Identity | None:
    """What tells one life of a socket from the next; None where there is none."""
    try:
        found = socket.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_ctime_ns


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
