"""The kinds of objects, one module each."""

from __future__ import annotations

from amalgam.harbor.kinds.endpoints import Endpoints
from amalgam.harbor.kinds.members import Members
from amalgam.harbor.kinds.projects import Projects
from amalgam.harbor.kinds.replications import Replications
from amalgam.harbor.kinds.retentions import Retentions
from amalgam.harbor.kinds.robots import Robots
from amalgam.harbor.kinds.schedules import GarbageCollectionSchedule, ScanSchedule
from amalgam.harbor.resource import Kind

KINDS: tuple[Kind, ...] = (
    Projects(),
    Retentions(),
    Robots(),
    Endpoints(),
    Replications(),
    ScanSchedule(),
    GarbageCollectionSchedule(),
    # Last: a user whom Harbor does not know yet must not hold up the rest.
    Members(),
)
"""In the order in which they are made; they are removed in the opposite one."""
