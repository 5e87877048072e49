from typing import Any

import pytest

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider.api import Kind
from amalgam_pulumi.provider.inputs import Naming, checked, is_autonamed
from amalgam_pulumi.provider.tokens import Type, type_of
from amalgam_pulumi.provider.urns import LONGEST_MANAGER, manager_of, parse
from amalgam_pulumi.provider.values import UNKNOWN

MAP = Kind("v1", "ConfigMap", "configmaps", namespaced=True)
SPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
URN = "urn:pulumi:lab::demo::my:Component$kubernetes:core/v1:ConfigMap::a::b"


def _checked(inputs: dict[str, Any], kind: Kind | None = MAP, old: dict[str, Any] | None = None, **naming: Any) -> Any:
    wanted = Type("v1", kind.kind if kind else "ConfigMap")
    return checked(inputs, old or {}, wanted, kind, "team", Naming("web", **{"seed": b"1", **naming}))


def test_an_object_without_a_name_gets_one_and_keeps_it() -> None:
    first = _checked({"data": {"a": "1"}})
    assert first["metadata"]["name"].startswith("web-")
    assert is_autonamed(first)
    again = _checked({"data": {"a": "2"}}, old=first, seed=b"2")
    assert again["metadata"]["name"] == first["metadata"]["name"]


def test_another_update_gives_another_name() -> None:
    assert _checked({}, seed=b"1")["metadata"]["name"] != _checked({}, seed=b"2")["metadata"]["name"]


def test_a_name_that_the_author_gave_takes_the_place_of_a_generated_one() -> None:
    found = _checked({"metadata": {"name": "mine"}}, old=_checked({}))
    assert found["metadata"]["name"] == "mine"
    assert not is_autonamed(found)


def test_a_name_that_is_not_known_yet_stays_so() -> None:
    assert _checked({"metadata": {"name": UNKNOWN}})["metadata"]["name"] is UNKNOWN


def test_a_namespaced_object_is_in_the_providers_namespace() -> None:
    assert _checked({})["metadata"]["namespace"] == "team"
    assert _checked({"metadata": {"namespace": "own"}})["metadata"]["namespace"] == "own"
    assert "namespace" not in _checked({}, SPACE)["metadata"]
    assert "namespace" not in _checked({}, None)["metadata"]


@pytest.mark.parametrize(
    ("inputs", "kind", "naming", "where"),
    [
        ({"metadata": {"generateName": "a-"}}, MAP, {}, "metadata.generateName"),
        ({"metadata": {"namespace": "team"}}, SPACE, {}, "metadata.namespace"),
        ({"metadata": "text"}, MAP, {}, "metadata"),
        ({}, MAP, {"disabled": True}, "metadata.name"),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(
    inputs: dict[str, Any], kind: Kind, naming: dict[str, Any], where: str
) -> None:
    with pytest.raises(AmalgamError) as refused:
        _checked(inputs, kind, **naming)
    assert refused.value.where == where


def test_the_core_group_is_spelled_out_in_tokens_only() -> None:
    assert type_of("kubernetes:core/v1:ConfigMap", {}) == Type("v1", "ConfigMap")
    assert type_of("kubernetes:apps/v1:Deployment", {}) == Type("apps/v1", "Deployment")


@pytest.mark.parametrize(
    ("token", "inputs", "remedy"),
    [
        ("kubernetes:core/v1:ConfigMapPatch", {"kind": "ConfigMap"}, "declare the whole object as ConfigMap"),
        ("kubernetes:core/v1:ConfigMapPatch", {}, "declare the whole object as ConfigMap"),
        ("kubernetes:helm.sh/v3:Release", {"chart": "x"}, "helm template"),
        ("kubernetes:kustomize/v2:Directory", {}, "kubectl kustomize"),
        ("kubernetes:core/v1:ConfigMapList", {"kind": "ConfigMapList", "items": []}, "each item"),
    ],
)
def test_what_would_be_something_else_here_is_refused(token: str, inputs: dict[str, Any], remedy: str) -> None:
    with pytest.raises(AmalgamError) as refused:
        type_of(token, inputs)
    assert remedy in refused.value.remedy


def test_a_kind_of_a_site_may_be_called_patch() -> None:
    assert type_of("kubernetes:example.test/v1:RoadPatch", {"kind": "RoadPatch"}).kind == "RoadPatch"


def test_a_urn_is_taken_apart() -> None:
    assert parse(URN) == ("lab", "demo", "kubernetes:core/v1:ConfigMap", "a::b")


def test_each_resource_has_a_field_manager_of_its_own() -> None:
    assert manager_of(URN).startswith("pulumi-amalgam:demo/lab:")
    assert manager_of(URN) != manager_of(URN + "c")
    assert len(manager_of(URN.replace("demo", "d" * 200))) == LONGEST_MANAGER
