"""Which pod has which chip, by the checkpoint in which the kubelet keeps what its device plugins gave out.

Source: pkg/kubelet/cm/devicemanager/checkpoint of Kubernetes. The kubelet strikes out a pod that has ended only when it
next gives out a device, so a pod counts while its control group is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .readings import ALLOCATIONS, Chip, ReadError

CHECKPOINT = Path("/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint")
CONTROL_GROUPS = Path("/sys/fs/cgroup")

_POD = re.compile(r".*pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:\.slice)?")
# Below the root of groups: version 2, or one of the controllers of version 1; with classes of pods in between, or not.
_GROUPS = ("kubepods*", "cpu/kubepods*", "cpu,cpuacct/kubepods*")


@dataclass(frozen=True)
class Allocations:
    """Devices that pods of this host hold."""

    checkpoint: Path = CHECKPOINT
    control_groups: Path = CONTROL_GROUPS

    def holders(self, chips: list[Chip], resources: tuple[str, ...]) -> dict[int, set[str]]:
        """UIDs of the pods that hold each chip, among the resources whose names begin so.

        Raises:
            ReadError: the checkpoint cannot be read.
        """
        by_name = {chip.uuid or str(chip.index): chip.index for chip in chips}
        numbered = {str(chip.index): chip.index for chip in chips}
        alive = self._pods_alive()
        held: dict[int, set[str]] = {}
        for pod, resource, device in self._entries():
            if not resource.startswith(resources) or (alive is not None and pod not in alive):
                continue
            index = by_name.get(_physical(device), numbered.get(_number(device)))
            if index is not None:
                held.setdefault(index, set()).add(pod)
        return held

    def _entries(self) -> Iterable[tuple[str, str, str]]:
        """Pod, resource and device of each entry. Without a kubelet there are none."""
        try:
            entries = json.loads(self.checkpoint.read_text(encoding="utf-8"))["Data"]["PodDeviceEntries"] or []
            for entry in entries:
                for device in _devices(entry["DeviceIDs"]):
                    yield str(entry["PodUID"]), str(entry["ResourceName"]), device
        except FileNotFoundError:
            return
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ReadError(ALLOCATIONS, f"{self.checkpoint}: {type(error).__name__}: {error}") from error

    def _pods_alive(self) -> set[str] | None:
        """UIDs of the pods with a control group; None where pods have none that is found."""
        roots = [root for pattern in _GROUPS for root in self.control_groups.glob(pattern)]
        if not roots:
            return None
        names = (path.name for root in roots for pattern in ("*pod*", "*/*pod*") for path in root.glob(pattern))
        return {found[1].replace("_", "-") for name in names if (found := _POD.fullmatch(name))}


def _devices(ids: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Names of devices: a list, or since Kubernetes 1.20 lists by NUMA node."""
    if isinstance(ids, dict):
        return [str(device) for devices in ids.values() for device in devices or []]
    return [str(device) for device in ids or []]


def _physical(device: str) -> str:
    """A GPU that is shared in time is given out as NAME::NUMBER."""
    return device.partition("::")[0]


def _number(device: str) -> str:
    """The number in Ascend910-3 or, where GPUs are given out by number, in 3."""
    found = re.fullmatch(r"(?:[A-Za-z]+\d*[A-Za-z]*\d*-)?(\d+)", _physical(device))
    return found[1] if found else ""
