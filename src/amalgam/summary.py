"""The table a person reads at the end of a run: what each host is and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ROLES = {
    "control_plane": "control plane",
    "workers": "worker",
    "storage": "storage",
    "bundle_server": "bundle server",
    "management": "management",
}
COLUMNS = ("NODE", "ROLE", "ARCH", "ADDRESS", "VERSION", "STATE")


@dataclass(frozen=True)
class HostSummary:
    """One host as the run left it.

    ``version`` is the kubelet's, empty for a host that is no node. ``state`` is a word for people.
    """

    name: str
    role: str
    architecture: str
    address: str
    version: str
    state: str


def roles_of(host: str, groups: Mapping[str, Iterable[str]]) -> str:
    """What a host is by its inventory groups, for people: ``control plane, bundle server``."""
    return ", ".join(label for group, label in ROLES.items() if host in groups.get(group, ())) or "host"


def table(hosts: Iterable[HostSummary]) -> list[str]:
    """Aligned lines, the headings first."""
    rows = [COLUMNS, *((h.name, h.role, h.architecture, h.address, h.version or "-", h.state) for h in hosts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
