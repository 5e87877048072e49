"""The table of accelerators: what each kind is to PCI, to Kubernetes and to the container runtime.

Sources: the PCI ID repository (https://pci-ids.ucw.cz), NVIDIA's k8s-device-plugin, Huawei's MindCluster (its labels,
and the counts of chips that its scheduler takes). Of the ranges: NVIDIA's CUDA release notes (the oldest driver that
programs made for CUDA 12 run on), the kernels in Huawei's guide to installing NPU drivers on the Atlas 800, and what
its drivers say of firmware in ``version.info``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from amalgam.errors import AmalgamError

Version = tuple[int, ...]


@dataclass(frozen=True)
class Range:
    """Versions from ``first`` on, and below ``end`` where there is one."""

    first: Version
    end: Version | None = None


@dataclass(frozen=True)
class HostNeeds:
    """What a host with such chips must have; ``None`` where nothing is known to matter."""

    driver: Range
    kernel: Range | None = None
    firmware: Range | None = None
    driver_is_compiled: bool = False
    """Whether the driver's installer compiles it on the host, with the kernel's headers."""


@dataclass(frozen=True)
class Product:
    """One model of chip, as far as scheduling tells it from others of its kind."""

    name: str
    device_ids: frozenset[str]
    """PCI device ids, four hex digits; empty for all of the vendor's that are of the kind's classes."""
    rings: tuple[tuple[int, ...], ...] = ()
    """Chips of a host that a fast link joins, by index; empty where that makes no difference."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """All chips that one device plugin hands out under one resource name."""

    accelerator: str
    """Its word in inventories."""
    vendor_id: str
    """PCI vendor id, four hex digits."""
    classes: frozenset[str]
    """PCI class and subclass, four hex digits."""
    resource: str
    """Extended resource of Kubernetes that counts its chips."""
    runtime_handler: str
    """Name of the runtime in containerd, and of the RuntimeClass."""
    host_chips: int
    """Chips of one host at most."""
    counts: tuple[int, ...]
    """How many chips a job may ask for on one host; beyond one host it takes whole hosts."""
    products: tuple[Product, ...]
    needs: HostNeeds
    labels: Mapping[str, str]
    """Labels of a node that has them."""
    architecture_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels that depend on the node's architecture, as Debian names it."""

    @property
    def taint(self) -> dict[str, str]:
        """What keeps pods that ask for no chip away.

        Its key is the resource: ExtendedResourceToleration of the API server then lets in the pods that ask for one.
        """
        return {"key": self.resource, "value": "present", "effect": "NoSchedule"}


_RINGS_OF_FOUR = ((0, 1, 2, 3), (4, 5, 6, 7))

NVIDIA = Kind(
    accelerator="nvidia",
    vendor_id="10de",
    # 3D controllers, and display controllers for the cards that have a monitor's socket.
    classes=frozenset({"0302", "0300"}),
    resource="nvidia.com/gpu",
    runtime_handler="nvidia",
    host_chips=16,
    counts=tuple(range(1, 17)),
    products=(Product(name="NVIDIA GPU", device_ids=frozenset()),),
    # That a driver fits the kernel shows in its module being loaded; the card's firmware comes with the card.
    needs=HostNeeds(driver=Range((525, 60, 13)), driver_is_compiled=True),
    # The second is what NVIDIA's own charts look for.
    labels={"accelerator": "nvidia", "nvidia.com/gpu.present": "true"},
)

ASCEND = Kind(
    accelerator="ascend",
    vendor_id="19e5",
    # Processing accelerators. The vendor's network cards, and the display of the Kunpeng board (1711), are of others.
    classes=frozenset({"1200"}),
    resource="huawei.com/Ascend910",
    runtime_handler="ascend",
    host_chips=8,
    counts=(1, 2, 4, 8),
    products=(
        Product(
            name="Ascend 910",
            device_ids=frozenset({"d801"}),
            rings=_RINGS_OF_FOUR,
            labels={"accelerator-type": "module"},
        ),
        # Its eight chips are all joined to each other.
        Product(
            name="Ascend 910B",
            device_ids=frozenset({"d802"}),
            labels={"accelerator-type": "module-910b-8"},
        ),
    ),
    # Drivers before that name no firmware that they fit.
    needs=HostNeeds(driver=Range((23, 0)), kernel=Range((4, 14)), firmware=Range((6, 4))),
    labels={"accelerator": "huawei-Ascend910", "workerselector": "dls-worker-node"},
    architecture_labels={"arm64": {"host-arch": "huawei-arm"}, "amd64": {"host-arch": "huawei-x86"}},
)

KINDS = (NVIDIA, ASCEND)


def kind_of(accelerator: str) -> Kind:
    """The kind that inventories call so.

    Raises:
        AmalgamError: there is none.
    """
    for kind in KINDS:
        if kind.accelerator == accelerator:
            return kind
    raise _unknown(accelerator, [kind.accelerator for kind in KINDS])


def kind_of_resource(resource: str) -> Kind:
    """The kind whose chips Kubernetes counts under that name.

    Raises:
        AmalgamError: there is none.
    """
    for kind in KINDS:
        if kind.resource == resource:
            return kind
    raise _unknown(resource, [kind.resource for kind in KINDS])


def _unknown(name: str, known: list[str]) -> AmalgamError:
    return AmalgamError(
        f"no kind of accelerator is called {name!r}",
        where="src/amalgam/chips/table.py",
        remedy=f"name one of: {', '.join(known)}",
    )
