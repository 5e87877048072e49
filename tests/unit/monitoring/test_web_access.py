"""Who may see what, and what keeps a member's queries to the member's VC."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from amalgam.errors import AmalgamError
from amalgam.monitoring.web_access import WebAccess, web_access

PEOPLE = ("alice", "bob", "dave", "olga")
PASSWORDS = {user: f"password-of-{user}-long-enough" for user in PEOPLE}
WRITERS = {"log-writer": "password-of-writers-long-enough"}
RIGHTS = {"vision": ["bob", "alice"], "nlp": ["dave"]}


def made(**changed: object) -> WebAccess:
    given = {"rights": RIGHTS, "administrators": ["olga"], "passwords": PASSWORDS, "writers": WRITERS, "salt": "salt"}
    given |= changed
    return web_access(given.pop("rights"), **given)


def _users(content: str) -> list[str]:
    return [line.partition(":")[0] for line in content.splitlines()]


def test_a_vc_is_seen_by_its_members_and_the_administrators() -> None:
    access = made()
    seen = {vc: _users(access.files[file]) for vc, file in access.vcs.items()}
    assert seen == {"nlp": ["dave", "olga"], "vision": ["alice", "bob", "olga"]}


def test_everybody_signs_in_and_writers_do_nothing_else() -> None:
    files = made().files
    assert _users(files["users"]) == list(PEOPLE)
    assert _users(files["administrators"]) == ["olga"]
    assert _users(files["writers"]) == ["log-writer"]


def test_the_filter_of_a_vc_is_one_argument_and_means_whole_streams_of_the_vc() -> None:
    (name,) = set(made().filters["vision"].split("=", 1)[:1])
    values = parse_qs(made().filters["vision"], strict_parsing=True)
    assert values == {name: ['{kubernetes.pod_namespace="vision" or vc="vision"}']}
    # A filter of lines is not asked by all pipes.
    assert name == "extra_stream_filters"


def test_a_name_cannot_end_the_filter_or_the_server_s_configuration() -> None:
    for name in ('a"} or {x="', "a b", "A", "a;}", "../users"):
        with pytest.raises(AmalgamError, match="no VC's name"):
            made(rights={name: ["alice"]})


def test_the_same_rights_are_the_same_bytes_and_no_password_is_among_them() -> None:
    again = made(rights={"nlp": ["dave"], "vision": ["alice", "bob", "alice"]})
    assert made() == again
    assert not [password for password in (*PASSWORDS.values(), *WRITERS.values()) if password in str(again)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"administrators": []}, "nobody may administer"),
        ({"administrators": ["greta"]}, "greta has no password"),
        ({"rights": {"vision": ["carol"]}}, "carol has no password"),
        ({"rights": {"vision": ["log-writer"]}, "passwords": PASSWORDS | WRITERS}, "log-writer is a person"),
    ],
)
def test_what_would_leave_a_door_open_or_nobody_in_is_refused(changed: dict, reason: str) -> None:
    with pytest.raises(AmalgamError, match=reason):
        made(**changed)


def test_a_password_that_a_fast_hash_does_not_protect_is_refused() -> None:
    with pytest.raises(ValueError, match="16 characters"):
        made(passwords=PASSWORDS | {"bob": "short"})
