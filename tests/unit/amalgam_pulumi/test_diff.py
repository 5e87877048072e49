from typing import Any

import pytest

from amalgam_pulumi.provider.api import Kind
from amalgam_pulumi.provider.body import body_of
from amalgam_pulumi.provider.diff import Diff, diff
from amalgam_pulumi.provider.drift import drift, told, with_drift
from amalgam_pulumi.provider.errors import ApiError
from amalgam_pulumi.provider.refusals import explained, without_secrets
from amalgam_pulumi.provider.values import UNKNOWN, Secret
from tests.unit.amalgam_pulumi.fake_api import FakeApi, refusal

KIND = Kind("v1", "ConfigMap", "configmaps", namespaced=True)
MANAGER = "pulumi-amalgam:demo/lab:00000000"


def _object(data: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": data, **rest}


def _owned(body: dict[str, Any], manager: str, *keys: str) -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Apply", "fieldsV1": {"f:data": {f"f:{key}": {} for key in keys}}}
    return body | {"metadata": body["metadata"] | {"managedFields": [entry], "resourceVersion": str(len(keys))}}


def _diff(api: FakeApi, old: dict[str, Any], new: dict[str, Any], kind: Kind | None = KIND) -> Diff:
    return diff(api, kind, old, new, MANAGER)  # type: ignore[arg-type]


def test_the_server_is_not_asked_where_no_input_changed() -> None:
    api = FakeApi()
    assert _diff(api, _object({"a": "1"}), _object({"a": "1"})).changed == []
    assert api.asked == []


def test_what_applying_changes_is_an_update() -> None:
    api = FakeApi(live=_object({"a": "1"}), applied=_object({"a": "2"}))
    found = _diff(api, _object({"a": "1"}), _object({"a": "2"}))
    assert [change.path for change in found.changed] == [("data", "a")]
    assert not found.replaced


def test_another_spelling_of_the_same_is_no_change() -> None:
    live = _object({"a": "1"})
    assert _diff(FakeApi(live=live, applied=live), _object({"a": "1.0"}), _object({"a": "1"})).changed == []


def test_owning_a_field_less_is_a_change_although_its_value_stays() -> None:
    body = _object({"a": "1", "b": "1"})
    api = FakeApi(live=_owned(body, MANAGER, "a", "b"), applied=_owned(body, MANAGER, "a"))
    assert _diff(api, body, _object({"a": "1"})).changed


@pytest.mark.parametrize("field", ["name", "namespace"])
def test_another_place_is_another_object(field: str) -> None:
    old = _object({})
    found = _diff(FakeApi(), old, old | {"metadata": old["metadata"] | {field: "other"}})
    assert found.replaced == {("metadata", field)}


def test_what_is_refused_here_but_not_for_a_new_object_is_a_replacement() -> None:
    api = FakeApi(live=_object({}), applied=refusal(422, "data.a"), created=_object({}))
    found = _diff(api, _object({"a": "1", "b": "1"}), _object({"a": "2", "b": "2"}))
    assert found.replaced == {("data", "a")}


def test_what_is_refused_for_a_new_object_too_is_no_replacement() -> None:
    api = FakeApi(live=_object({}), applied=refusal(422, "data.a"), created=refusal(422, "data.a"))
    found = _diff(api, _object({"a": "1"}), _object({"a": "2"}))
    assert found.changed
    assert not found.replaced


def test_a_full_quota_does_not_hide_a_replacement() -> None:
    fixed = refusal(422, "data.a", message="data.a: field is immutable")
    api = FakeApi(live=_object({}), applied=fixed, created=refusal(403, message="exceeded quota"))
    assert _diff(api, _object({"a": "1"}), _object({"a": "2"})).replaced


def test_a_wrong_value_under_a_full_quota_deletes_nothing() -> None:
    wrong = refusal(422, "data.a", message="data.a: must be a number")
    api = FakeApi(live=_object({}), applied=wrong, created=refusal(403, message="exceeded quota"))
    assert not _diff(api, _object({"a": "1"}), _object({"a": "2"})).replaced


def test_values_that_are_not_known_yet_are_compared_without_the_server() -> None:
    api = FakeApi()
    assert _diff(api, _object({"a": "1"}), _object({"a": UNKNOWN})).changed
    assert api.asked == []


def test_drift_is_what_applying_again_would_change() -> None:
    inputs = _object({"a": "1"})
    live = _object({"a": "9", "others": "x"}, status={"seen": True})
    found = drift(FakeApi(applied=_object({"a": "1", "others": "x"})), KIND, inputs, live, MANAGER)  # type: ignore[arg-type]
    assert told(found, live) == ["data.a: applied '1', on the server '9'"]
    assert with_drift(inputs, found) == _object({"a": "9"})


def test_drift_in_a_secret_is_told_without_its_value() -> None:
    inputs = _object({}) | {"kind": "Secret", "stringData": {"a": Secret("canary")}}
    del inputs["data"]
    live = body_of(inputs) | {"data": {"a": "b3RoZXI="}}
    found = drift(FakeApi(applied=body_of(inputs)), KIND, inputs, live, MANAGER)  # type: ignore[arg-type]
    assert told(found, live) == ["stringData.a: applied [secret], on the server [secret]"]
    assert with_drift(inputs, found)["stringData"] == {"a": Secret("other")}


def test_a_conflict_names_field_manager_and_ways_out() -> None:
    cause = {"reason": "FieldManagerConflict", "field": ".data.a", "message": 'conflict with "kubectl-edit" using v1'}
    text = str(explained(ApiError(409, {"message": "x", "details": {"causes": [cause]}}), "ConfigMap n/a"))
    assert "ConfigMap n/a: another field manager is in the way: data.a belongs to kubectl-edit" in text
    assert "pulumi refresh" in text
    assert "pulumi.com/patchForce" in text


def test_the_servers_words_are_passed_on_without_secrets() -> None:
    assert without_secrets("Invalid value: canary", [{"a": Secret({"b": "canary"})}]) == "Invalid value: [secret]"
