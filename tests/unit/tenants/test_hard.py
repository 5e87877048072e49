"""A quota's keys, both ways."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from amalgam.tenants.hard import amounts_of, hard, hard_of_vc
from amalgam.tenants.resources import KINDS


@given(st.fixed_dictionaries({kind: st.integers(0, 2**40) for kind in KINDS}))
def test_what_is_set_is_read_back(amounts: dict) -> None:  # type: ignore[type-arg]
    assert amounts_of(hard(amounts)) == amounts


def test_a_vc_has_nothing_in_a_class_that_it_may_not_use_and_no_port_of_the_nodes() -> None:
    found = hard_of_vc({"cpu": 1500, "memory": 2**30}, {"vision": 2**30}, ["vision", "nlp"])
    assert found == {
        "requests.cpu": "1500m",
        "requests.memory": "1Gi",
        "limits.memory": "1Gi",
        "vision.storageclass.storage.k8s.io/requests.storage": "1Gi",
        "nlp.storageclass.storage.k8s.io/requests.storage": "0",
        "services.nodeports": "0",
        "services.loadbalancers": "0",
    }


def test_fractions_that_the_server_sums_up_are_rounded_up() -> None:
    assert amounts_of({"requests.cpu": "100500u", "limits.memory": "1500m"}) == {
        **dict.fromkeys(KINDS, 0),
        "cpu": 101,
        "memory": 2,
    }
