"""Members of a VC are members of its projects in the registry, without being said twice."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from amalgam.models.registry import Member, RegistryProject
from amalgam.models.registry_members import with_members
from amalgam.models.tenants import Group, Tenants

TENANTS = Tenants(
    organisations=TypeAdapter(list[Group]).validate_python(
        [
            {
                "name": "institute",
                "quota": {},
                "members": {"olga": "administrator"},
                "vcs": [
                    {"name": "vision", "quota": {}, "registry_projects": ["vision", "both"]}
                    | {"members": {"bob": "developer", "greta": "group-manager", "carol": "viewer", "otto": "auditor"}},
                    {"name": "nlp", "quota": {}, "registry_projects": ["both"], "members": {"carol": "administrator"}},
                ],
            }
        ]
    )
)


def _members(name: str, *listed: Member, pull_accounts: bool = True) -> dict[str, Any]:
    (project,) = with_members([RegistryProject(name=name, members=[*listed])], TENANTS, pull_accounts=pull_accounts)
    return {member.user: member.role for member in project.members}


def test_each_has_the_rights_of_their_role_in_the_vc_and_a_role_of_the_sites_own_pulls() -> None:
    assert _members("vision") == {
        "vc-vision": "guest",
        "olga": "maintainer",
        "bob": "developer",
        "greta": "developer",
        "carol": "guest",
        "otto": "guest",
    }


def test_of_several_roles_the_widest_counts() -> None:
    assert _members("both")["carol"] == "maintainer"
    listed = _members("vision", Member(user="bob", role="guest"), Member(user="carol", role="maintainer"))
    assert (listed["bob"], listed["carol"]) == ("developer", "maintainer")


def test_a_project_of_no_vc_has_the_members_that_are_listed() -> None:
    assert _members("library", Member(user="bob", role="guest")) == {"bob": "guest"}


def test_where_there_are_no_accounts_of_vcs_their_people_are_members_all_the_same() -> None:
    found = _members("both", pull_accounts=False)
    assert not [user for user in found if user.startswith("vc-")]
    assert found["olga"] == "maintainer"
