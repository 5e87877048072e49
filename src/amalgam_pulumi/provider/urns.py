"""What a resource's URN tells: ``urn:pulumi:STACK::PROJECT::TYPE::NAME``."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

MANAGER = "pulumi-amalgam"
# The API server takes no longer name of a field manager.
LONGEST_MANAGER = 128


class Urn(NamedTuple):
    """The parts of a URN; ``token`` is the resource's own type, without its parents'."""

    stack: str
    project: str
    token: str
    name: str


def parse(urn: str) -> Urn:
    """Take a URN apart; the name may itself contain ``::``."""
    head, project, types, name = urn.split("::", 3)
    return Urn(head.removeprefix("urn:pulumi:"), project, types.rsplit("$", 1)[-1], name)


def manager_of(urn: str) -> str:
    """The field manager under which a resource's object is made; the state keeps it, so an alias changes nothing.

    Of the whole URN: a resource that was renamed without an alias finds that another one owns "its" object, instead of
    taking it over shortly before the engine deletes it under its old name.
    """
    parts = parse(urn)
    digest = hashlib.sha256(urn.encode()).hexdigest()[:8]
    return f"{MANAGER}:{parts.project}/{parts.stack}"[: LONGEST_MANAGER - 9] + f":{digest}"
