from __future__ import annotations

import json

import pytest


@pytest.fixture
def members(plugin):
    return plugin("filter", "vc_members").vc_members


def test_a_vc_s_members_are_its_own_and_those_of_the_groups_around_it(members) -> None:
    quota = {"cpu": 4, "pods": 10}
    vcs = [
        {"name": "vision", "quota": quota, "members": {"bob": "developer", "alice": "administrator"}},
        {"name": "nlp", "quota": quota, "flows": [{"direction": "to", "cidr": "192.0.2.31/32", "ports": [7480]}]},
    ]
    group = {"name": "research", "quota": quota, "members": {"greta": "group-manager"}, "vcs": vcs}
    found = members(
        json.dumps([{"name": "institute", "quota": quota, "members": {"olga": "viewer"}, "groups": [group]}])
    )
    assert found == {"vision": ["alice", "bob", "greta", "olga"], "nlp": ["greta", "olga"]}


def test_a_site_without_tenants_has_no_members(members) -> None:
    assert members("[]") == {}
