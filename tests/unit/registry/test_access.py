from __future__ import annotations

import pytest

from amalgam.models.registry import ADMINISTRATOR, RegistryProject
from amalgam.registry.access import Access, access

PASSWORDS = {user: f"password-of-{user}-long-enough" for user in ("amalgam", "alice", "bob", "carol")}
VISION = RegistryProject.model_validate(
    {
        "name": "vision",
        "members": [
            {"user": "alice", "role": "maintainer"},
            {"user": "bob", "role": "developer"},
            {"user": "carol", "role": "guest"},
        ],
    }
)
LIBRARY = RegistryProject(name="library", public=True)


@pytest.fixture
def made() -> Access:
    return access([VISION, LIBRARY], platform=["kubernetes"], passwords=PASSWORDS, salt="salt")


def _users(content: str) -> list[str]:
    return [line.partition(":")[0] for line in content.splitlines()]


@pytest.mark.parametrize(
    ("right", "members"), [("pull", ["alice", "bob", "carol"]), ("push", ["alice", "bob"]), ("delete", ["alice"])]
)
def test_each_right_is_held_by_the_roles_that_have_it_and_by_the_administrator(
    made: Access, right: str, members: list[str]
) -> None:
    assert _users(made.files[made.rights[f"vision:{right}"]]) == sorted([ADMINISTRATOR, *members])


def test_the_platform_s_projects_are_the_administrator_s_alone(made: Access) -> None:
    for right in ("pull", "push", "delete"):
        assert _users(made.files[made.rights[f"kubernetes:{right}"]]) == [ADMINISTRATOR]


def test_only_pulling_from_the_platform_and_from_public_projects_needs_no_password(made: Access) -> None:
    assert made.anonymous == ["kubernetes:pull", "library:pull"]


def test_everybody_may_log_in_and_one_user_may_list_everything(made: Access) -> None:
    assert _users(made.users) == sorted(PASSWORDS)
    assert _users(made.administrators) == [ADMINISTRATOR]


def test_the_same_rights_are_the_same_bytes_and_no_password_is_among_them(made: Access) -> None:
    assert made == access([VISION, LIBRARY], platform=["kubernetes"], passwords=PASSWORDS, salt="salt")
    assert not [password for password in PASSWORDS.values() if password in str(made)]


def test_a_member_without_a_password_is_an_error_and_no_open_door() -> None:
    with pytest.raises(KeyError):
        access([VISION], platform=[], passwords={"amalgam": PASSWORDS["amalgam"]}, salt="salt")
