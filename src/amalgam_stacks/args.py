"""What components take as their arguments."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Args(BaseModel):
    """Arguments of a component: typed, and none that it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
