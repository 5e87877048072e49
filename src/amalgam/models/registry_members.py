"""Who is a member of a registry's project because of the virtual clusters (VCs) that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from amalgam.models.registry import PULL_PREFIX, Member, RegistryProject, Role
from amalgam.models.tenants import Tenants

_ROLES: dict[str, Role] = {"administrator": "maintainer", "group-manager": "developer", "developer": "developer"}
_OTHERS: Role = "guest"
"""Of viewers, and of roles that a site adds."""
_WIDER: tuple[Role, ...] = get_args(Role)
"""Each has the rights of those before it."""


def pull_account(vc: str) -> str:
    """The account as which nodes pull the images of a VC's pods."""
    return f"{PULL_PREFIX}{vc}"


def with_members(
    projects: Sequence[RegistryProject], tenants: Tenants, *, pull_accounts: bool
) -> tuple[RegistryProject, ...]:
    """``projects`` with the members of their VCs, each with the widest of their roles.

    Args:
        projects: as the site lists them; members that are listed there stay.
        tenants: whose VCs the projects are.
        pull_accounts: whether each VC's own account may pull.
    """
    return tuple(_with_members(project, tenants, pull_accounts) for project in projects)


def _with_members(project: RegistryProject, tenants: Tenants, pull_accounts: bool) -> RegistryProject:
    roles: dict[str, Role] = {}
    listed = ((member.user, member.role) for member in project.members)
    for user, role in (*listed, *_of_vcs(project.name, tenants, pull_accounts)):
        roles[user] = max(role, roles.get(user, role), key=_WIDER.index)
    return project.model_copy(update={"members": [Member(user=user, role=role) for user, role in roles.items()]})


def _of_vcs(project: str, tenants: Tenants, pull_accounts: bool) -> Iterator[tuple[str, Role]]:
    for vc, around in tenants.vcs():
        if project in vc.registry_projects:
            if pull_accounts:
                yield pull_account(vc.name), "guest"
            for members in (*(group.members for group in around), vc.members):
                yield from ((user, _ROLES.get(role, _OTHERS)) for user, role in members.items())
