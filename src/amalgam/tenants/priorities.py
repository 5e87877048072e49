"""The priorities that pods can have, as PriorityClasses of the platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

PriorityName = Literal["training-high", "training-normal", "interactive"]
NAMES: tuple[PriorityName, ...] = get_args(PriorityName)
DEFAULT: PriorityName = "training-normal"
"""Of pods that name none."""


@dataclass(frozen=True)
class Priority:
    """One of them."""

    name: PriorityName
    value: int
    preempts: bool
    """Whether a pod that waits for room stops pods of less priority."""
    description: str


PRIORITIES = (
    Priority("training-high", 100_000, preempts=True, description="Training that goes before other training."),
    # Someone waits before a screen; but training that has run for days is not stopped for it.
    Priority("interactive", 50_000, preempts=False, description="Notebooks and other work that a person waits for."),
    Priority("training-normal", 10_000, preempts=True, description="All that names no other."),
)
