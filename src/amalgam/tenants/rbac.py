"""Roles of members, in the words of Kubernetes' RBAC."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_Words = Annotated[list[str], Field(min_length=1)]


class AccessRule(BaseModel):
    """What may be done with which resources; all words are those of an RBAC rule."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    api_groups: _Words
    """``""`` is the group of pods and services."""
    resources: _Words
    verbs: _Words


class Role(BaseModel):
    """What a member with this role may do in a namespace."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    rules: Annotated[list[AccessRule], Field(min_length=1)]
