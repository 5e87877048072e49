"""Compares what is declared with what Harbor has, and makes the one of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from amalgam.harbor.client import HarborClient
from amalgam.harbor.kinds import KINDS
from amalgam.harbor.resource import Found, HarborSecrets, Kind, Resource, Session, Value
from amalgam.models.harbor import HarborData
from amalgam.models.registry import RegistryProject, platform_projects


class Action(StrEnum):
    """What is to be done about a difference."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"
    """Harbor has it, and nobody declares it: it is shown, and stays."""


@dataclass(frozen=True)
class FieldDrift:
    """One field of an object that is not as declared."""

    name: str
    found: Value
    declared: Value


@dataclass(frozen=True)
class Change:
    """One object that is not as declared."""

    action: Action
    label: str
    fields: tuple[FieldDrift, ...] = ()
    """For an update: what differs."""
    kind: Kind = field(repr=False, kw_only=True)
    found: Found | None = field(default=None, repr=False, kw_only=True)
    declared: Resource | None = field(default=None, repr=False, kw_only=True)

    def lines(self) -> list[str]:
        """The difference for people, a line for each field."""
        if self.action is Action.UPDATE:
            return [f"{self.label}: {one.name} {_text(one.found)} -> {_text(one.declared)}" for one in self.fields]
        words = {Action.CREATE: "not there", Action.DELETE: "there, to be absent", Action.KEEP: "not declared"}
        return [f"{self.label}: {words[self.action]}"]

    def plain(self) -> dict[str, Any]:
        """The difference for machines."""
        fields = [{"name": one.name, "found": one.found, "declared": one.declared} for one in self.fields]
        return {"action": str(self.action), "object": self.label, "fields": fields}


def with_platform(data: HarborData) -> HarborData:
    """``data`` with the projects that the bundle's own images lie in, from which every node pulls without a login."""
    platform = [RegistryProject(name=name, public=True) for name in platform_projects()]
    return data.model_copy(update={"projects": [*data.projects, *platform]})


class Reconciler:
    """One Harbor and what is declared of it."""

    def __init__(self, client: HarborClient, data: HarborData, secrets: HarborSecrets) -> None:
        """Nothing is asked yet."""
        self._session = Session(client, data, secrets)

    def plan(self) -> list[Change]:
        """Every difference, in the order in which it is mended; nothing is changed.

        Raises:
            AmalgamError: Harbor cannot be asked, a secret is missing, or Harbor cannot be made as declared.
        """
        self._session.client.require_administrator()
        changes = [change for kind in KINDS for change in self._compared(kind)]
        removals = [change for change in changes if change.action is Action.DELETE]
        return [change for change in changes if change.action is not Action.DELETE] + removals[::-1]

    def apply(self, changes: Sequence[Change], done: Callable[[Change], None]) -> None:
        """Make Harbor as declared; ``done`` is told of each change when it is made.

        A run that was cut off is started again: what was done is then no difference any more.

        Raises:
            AmalgamError: Harbor refused a change, named with the reason. Those before it are made.
        """
        for change in changes:
            if change.action is not Action.KEEP:
                self._make(change)
                done(change)

    def _compared(self, kind: Kind) -> Iterator[Change]:
        declared = {resource.name: resource for resource in kind.declared(self._session)}
        found = {one.name: one for one in kind.found(self._session)}
        for name, resource in declared.items():
            if name not in found:
                yield Change(Action.CREATE, resource.label, kind=kind, declared=resource)
            elif drift := tuple(_drift(found[name], resource)):
                kind.check(found[name], resource)
                yield Change(Action.UPDATE, resource.label, drift, kind=kind, found=found[name], declared=resource)
        for name, one in found.items():
            if name not in declared:
                action = Action.DELETE if one.label in self._session.data.absent else Action.KEEP
                yield Change(action, one.label, kind=kind, found=one)

    def _make(self, change: Change) -> None:
        if change.action is Action.CREATE and change.declared:
            change.kind.create(self._session, change.declared)
        elif change.action is Action.UPDATE and change.found and change.declared:
            change.kind.update(self._session, change.found, change.declared)
        elif change.action is Action.DELETE and change.found:
            change.kind.delete(self._session, change.found)


def _drift(found: Found, declared: Resource) -> Iterator[FieldDrift]:
    for name, value in declared.fields.items():
        if found.fields[name] != value:
            yield FieldDrift(name, found.fields[name], value)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{'; '.join(value)}]"
    return "none" if value is None else str(value)


def lines(changes: Iterable[Change]) -> list[str]:
    """All differences for people."""
    return [line for change in changes for line in change.lines()]
