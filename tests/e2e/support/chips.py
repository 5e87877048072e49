"""Chips of a lab's nodes, and jobs that ask for them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from amalgam.chips.table import Kind
from amalgam.lab.simulated_chips.on_node.machine import HEALTHY, UNHEALTHY
from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.nodes import Node
from tests.e2e.support.waiting import wait_until

_SECONDS = 40.0

_PCI = "/sys/bus/pci/devices"
# Where a kind's driver says what it is: a folder, and what its files there say.
_SOFTWARE = {
    "nvidia": ("/sys/module", {"nvidia/version": "{driver}"}),
    "ascend": (
        "/usr/local/Ascend",
        {
            "driver/version.info": "Version={driver}\ncompatible_version_fw=[7.0.0,7.5.99]",
            "firmware/version.info": "Version={firmware}",
        },
    ),
}


@dataclass(frozen=True)
class ChipNode:
    """A node of the cluster that has chips."""

    cluster: Cluster
    node: Node
    kind: Kind

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name

    def chips(self) -> list[dict[str, Any]]:
        """Its chips, by the simulation itself."""
        shown: list[dict[str, Any]] = json.loads(self.node.run("simulated-chips show").stdout)["chips"]
        return shown

    def offered(self) -> int:
        """How many it has to give, by the API server."""
        allocatable = self.cluster.get(f"node {self.name}")["status"]["allocatable"]
        return int(allocatable.get(self.kind.resource, 0))

    def wait_offers(self, chips: int) -> None:
        """Wait until it has so many to give."""
        wait_until(f"{self.name} offers {chips} chips", self.offered, lambda seen: seen == chips, seconds=_SECONDS)

    @contextmanager
    def unhealthy(self, chip: int) -> Iterator[None]:
        """One chip is unhealthy for a while."""
        self.node.run(f"simulated-chips set-health {chip} {UNHEALTHY}")
        try:
            yield
        finally:
            self.node.run(f"simulated-chips set-health {chip} {HEALTHY}")


@contextmanager
def simulated_driver(node: Node, kind: Kind, version: str, *, firmware: str = "") -> Iterator[None]:
    """A node shows one chip on PCI and software of these versions, as far as what looks at files can tell."""
    device, root = f"{_PCI}/0000:00:1e.0", "/run/simulated-driver"
    identity = min(kind.products[0].device_ids, default="2330")
    chip = {"class": f"0x{min(kind.classes)}00", "vendor": f"0x{kind.vendor_id}", "device": f"0x{identity}"}
    covered, software = _SOFTWARE[kind.accelerator]
    files = {f"{device}/{name}": text for name, text in chip.items()}
    files |= {f"{covered}/{name}": text.format(driver=version, firmware=firmware) for name, text in software.items()}
    folders = " ".join({covered, *(f"{root}{path.rpartition('/')[0]}" for path in files)})
    written = "; ".join(f"echo {shlex.quote(text)} >{root}{path}" for path, text in files.items())
    node.run(f"set -e; mkdir --parents {folders}; {written}")
    try:
        node.run(" && ".join(f"mount --bind {root}{path} {path}" for path in (_PCI, covered)))
        yield
    finally:
        node.run(f"umount {_PCI} {covered}; rm --recursive {root}; rmdir {covered} 2>/dev/null || true")


@dataclass(frozen=True)
class ChipJob:
    """A job that asks for chips, and writes down which it was told it has."""

    cluster: Cluster
    namespace: str
    name: str
    kind: Kind
    chips: int

    def submit(self, *, node: str = "") -> None:
        """Submit it, for one node if that is named."""
        variable = "NVIDIA_VISIBLE_DEVICES" if self.kind.accelerator == "nvidia" else "ASCEND_VISIBLE_DEVICES"
        template = pod_template(self.cluster.image_of_tests(), [], {"job": self.name}, restartPolicy="Never")
        (container,) = template["spec"]["containers"]
        container["command"] = ["sh", "-c", f"echo ${variable}"]
        container["resources"] = {"limits": {self.kind.resource: str(self.chips)}}
        if node:
            template["spec"]["nodeSelector"] = {"kubernetes.io/hostname": node}
        self.cluster.apply(
            self.namespace,
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {"name": self.name},
                "spec": {"backoffLimit": 0, "template": template},
            },
        )

    def pod(self) -> dict[str, Any]:
        """Its pod; empty while there is none."""
        pods = self.cluster.get(f"pods --namespace {self.namespace} --selector job={self.name}")["items"]
        return pods[0] if pods else {}

    def wait_refused_by_scheduler(self) -> str:
        """Wait until the scheduler has said why it finds no node."""

        def look() -> str:
            conditions = self.pod().get("status", {}).get("conditions", [])
            reasons = [one.get("message", "") for one in conditions if one["type"] == "PodScheduled"]
            return reasons[0] if reasons else ""

        return wait_until(f"the scheduler finds no node for {self.name}", look, seconds=_SECONDS)

    def wait_done(self) -> list[str]:
        """Wait until it has ended well; returns the chips it was told of."""
        self.cluster.wait(self.namespace, f"wait --for=condition=Complete job/{self.name}")
        told = self.cluster.kubectl(f"--namespace {self.namespace} logs job/{self.name}").stdout.strip()
        return told.split(",")
