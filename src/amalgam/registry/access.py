"""The rights of a registry's projects, as password files for the web server before it.

There is one file for each right in each project, and nginx chooses it by the project in the path and by the method:
no further daemon issues tokens, and a change of rights is a change of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from amalgam.htpasswd import entries, password_file
from amalgam.models.registry import ADMINISTRATOR, RegistryProject, Role

PULL, PUSH, DELETE = "pull", "push", "delete"
_RIGHTS: dict[Role, tuple[str, ...]] = {
    "guest": (PULL,),
    "developer": (PULL, PUSH),
    "maintainer": (PULL, PUSH, DELETE),
}


@dataclass(frozen=True)
class Access:
    """What the web server has to know."""

    users: str
    """Password file of everybody who may log in."""
    administrators: str
    """Password file of who may list what all projects have."""
    files: dict[str, str]
    """Name of a password file of a project → its content."""
    rights: dict[str, str]
    """``PROJECT:RIGHT`` → name of the password file."""
    anonymous: list[str]
    """Each ``PROJECT:RIGHT`` that needs no password, sorted."""


def access(
    projects: Sequence[RegistryProject], *, platform: Iterable[str], passwords: Mapping[str, str], salt: str
) -> Access:
    """Who has which right in ``projects``, and in those of the ``platform``, from which everybody pulls.

    ``passwords`` has those of all members and of the administrator, who has every right everywhere.

    Raises:
        KeyError: a member has no password.
        ValueError: a password is too short to be written down with a fast hash.
    """
    lines = entries({ADMINISTRATOR, *_users(projects)}, passwords, salt)
    files, rights = {}, {}
    for project in [*projects, *(RegistryProject(name=name, public=True) for name in platform)]:
        for right in (PULL, PUSH, DELETE):
            holders = [member.user for member in project.members if right in _RIGHTS[member.role]]
            rights[f"{project.name}:{right}"] = f"{project.name}.{right}"
            files[f"{project.name}.{right}"] = password_file(lines, {ADMINISTRATOR, *holders})
    public = [project.name for project in projects if project.public]
    return Access(
        users=password_file(lines, lines),
        administrators=password_file(lines, [ADMINISTRATOR]),
        files=files,
        rights=rights,
        anonymous=sorted(f"{name}:{PULL}" for name in [*public, *platform]),
    )


def _users(projects: Sequence[RegistryProject]) -> set[str]:
    return {member.user for project in projects for member in project.members}
