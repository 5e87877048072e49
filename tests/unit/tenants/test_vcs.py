"""Where a VC stands says who its members are and what it may use."""

from __future__ import annotations

import itertools

from amalgam.tenants.caps import classes_of, slug
from amalgam.tenants.roles import ROLES
from amalgam.tenants.vcs import tenancies
from tests.unit.tenants.sites import GPU, site, vc


def test_a_vc_has_the_members_of_everything_around_it_and_what_loans_leave_it() -> None:
    loans = [{"lender": "vision", "borrower": "nlp", "quota": {GPU: 2}}]
    data = site(
        vc("vision", 8, members={"bob": "developer", "greta": "viewer"}),
        vc("nlp", 8),
        members={"greta": "group-manager"},
        borrowing=True,
        loans=loans,
    )
    vision, nlp = tenancies(data.tenants)
    assert vision.members == (("bob", "developer"), ("greta", "group-manager"), ("greta", "viewer"), ("olga", "viewer"))
    assert (vision.path, vision.organisation) == ("institute/research", "institute")
    assert (vision.effective[GPU], nlp.effective[GPU]) == (6, 10)


def test_a_capped_member_has_classes_of_their_own() -> None:
    (one,) = tenancies(site(vc("vision", 8, members={"bob": "viewer"}, caps={"bob": {GPU: 1}})).tenants)
    assert classes_of(one.vc) == {
        "bob": {"training-normal": "training-normal.vision.bob", "interactive": "interactive.vision.bob"}
    }


def test_two_users_never_share_a_class() -> None:
    assert len({slug(user) for user in ("a.b", "a-b", "a_b", "a@b")}) == 4


def _rights(role: str) -> set[tuple[str, str, str]]:
    (found,) = [one for one in ROLES if one.name == role]
    return {
        (group, resource, verb)
        for rule in found.rules
        for group in rule.api_groups
        for resource in rule.resources
        for verb in rule.verbs
    }


def test_each_role_has_all_that_the_one_before_has() -> None:
    rights = [_rights(role.name) for role in ROLES]
    assert all(lesser < greater for lesser, greater in itertools.pairwise(rights))


def test_no_role_touches_the_walls_or_reads_what_is_secret_without_being_let() -> None:
    walls = {"namespaces", "resourcequotas", "limitranges", "networkpolicies"}
    for role in ROLES:
        rights = _rights(role.name)
        assert not [right for right in rights if right[1] in walls and right[2] not in ("get", "list", "watch")]
        assert not [right for right in rights if "*" in right or right[2] in ("bind", "escalate", "impersonate")]
    assert not [right for right in _rights("viewer") if right[1] == "secrets"]
