"""Projects of the image registry, and who may do what in them."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import refusal

Backend = Literal["distribution", "harbor"]
Role = Literal["guest", "developer", "maintainer"]
"""In Harbor's words: a guest pulls, a developer pushes too, a maintainer also deletes."""

ADMINISTRATOR = "amalgam"
"""The site's own user: as it the bundle's images are pushed, and it sees all dashboards and logs."""
PULL_PREFIX = "vc-"
"""Begins the names of the accounts as which nodes pull the images of a VC."""

# OCI distribution specification, "Pulling manifests": one component of a repository's name.
_COMPONENT = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
_USER = re.compile(r"[a-z0-9]([a-z0-9._@-]*[a-z0-9])?")


def _project_name(value: str) -> str:
    if not _COMPONENT.fullmatch(value):
        remedy = "use lower-case letters and digits, with single dots, underscores or hyphens between them"
        raise refusal(Rule.BAD_PROJECT_NAME, f"{value!r} cannot begin the name of an image", remedy)
    return value


def is_user_name(text: str) -> bool:
    """Whether people can be named so, here and in the cluster."""
    return _USER.fullmatch(text) is not None


def is_platforms_user(text: str) -> bool:
    """Whether it is the name of an account of the platform, which no person can have."""
    return text == ADMINISTRATOR or text.startswith(PULL_PREFIX)


def user_name(value: str) -> str:
    """``value``, unless people cannot be named so."""
    if not is_user_name(value):
        remedy = "use lower-case letters, digits, and . _ @ - between them"
        raise refusal(Rule.BAD_USER_NAME, f"{value!r} is no name for a user", remedy)
    if value == ADMINISTRATOR:
        raise refusal(Rule.RESERVED_USER, f"{value} is the site's own user, with every right", "use another name")
    return value


class Member(BaseModel):
    """A user with a role in a project."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    user: Annotated[str, AfterValidator(user_name)]
    role: Role


class RegistryProject(BaseModel):
    """The images whose names begin with the project's, and a slash."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, AfterValidator(_project_name)]
    public: bool = False
    """Whether everybody who reaches the registry may pull."""
    members: list[Member] = []


def platform_projects() -> list[str]:
    """The projects that the bundle's own images lie in, sorted."""
    # Reading the lock costs more than checking a site, and not every site has projects.
    from amalgam.pins import load_lock

    return sorted({pin.repository.partition("/")[0] for pin in load_lock().images.values()})


def check_registry(draft: Draft) -> None:
    """Add what is wrong between projects, and between the members of one."""
    variable, names = draft.site_wide("registry_projects"), []
    projects = draft.setting("registry_projects", list) or []
    taken = platform_projects() if projects else []
    for index, project in enumerate(projects):
        if project.name in names:
            reason, remedy = "two projects have this name", "make them one, or rename one"
            draft.refuse(variable, Rule.DUPLICATE_PROJECT, reason, remedy, (index, "name"))
        elif project.name in taken:
            reason = f"the platform's own images lie in {', '.join(taken)}"
            draft.refuse(variable, Rule.RESERVED_PROJECT, reason, "use another name", (index, "name"))
        names.append(project.name)
        users = [member.user for member in project.members]
        for place, user in enumerate(users):
            if is_platforms_user(user):
                reason, remedy = f"{user} is the name of an account of the platform", "use another name"
                draft.refuse(variable, Rule.RESERVED_USER, reason, remedy, (index, "members", place, "user"))
            elif user in users[:place]:
                reason, remedy = f"{user} has two roles in {project.name}", "keep the wider one"
                draft.refuse(variable, Rule.DUPLICATE_MEMBER, reason, remedy, (index, "members", place, "user"))
