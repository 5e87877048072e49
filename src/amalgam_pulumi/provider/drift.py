"""Drift: what applying the last inputs again would change on the live object."""

from __future__ import annotations

from typing import Any

from amalgam_pulumi.provider.api import Api, Kind, Object
from amalgam_pulumi.provider.body import NOTED_BY_SERVER, body_of, decoded, is_secret, stripped
from amalgam_pulumi.provider.errors import ApiError
from amalgam_pulumi.provider.paths import MISSING, Change, Missing, changes, put, value_at, written
from amalgam_pulumi.provider.values import Path, Secret


def drift(api: Api, kind: Kind, inputs: Object, live: Object, manager: str) -> list[Change]:
    """The fields of ``inputs`` (with secrets) that others changed: place in the inputs, applied value, live value.

    The server compares, by a dry run: another spelling of a quantity, or a default, is no drift.

    Raises:
        ApiError: the server refused to say.
    """
    try:
        then = api.apply(kind, body_of(inputs), manager, force=True, dry_run=True)
    except ApiError as error:
        if error.status != 422:
            raise
        # A field that cannot change was changed, by making the object anew: compare as written.
        then = _overlaid(live, body_of(inputs))
    found: dict[Path, Change] = {}
    for change in changes(stripped(then, NOTED_BY_SERVER), stripped(live, NOTED_BY_SERVER)):
        path = _place_in_inputs(inputs, change.path)
        if path:
            found[path] = Change(path, value_at(inputs, path), _live_value(live, path))
    return list(found.values())


def with_drift(inputs: Object, drifted: list[Change]) -> Object:
    """``inputs`` as they would have to be for the live object: so the next preview shows the way back."""
    for change in drifted:
        new = Secret(change.new) if isinstance(change.old, Secret) and not _missing(change.new) else change.new
        inputs = put(inputs, change.path, new)
    return inputs


def told(drifted: list[Change], live: Object) -> list[str]:
    """One line a field, for people; secrets are not shown."""
    hidden = is_secret(live)
    return [
        f"{written(change.path)}: applied {_shown(change.old, hidden)}, on the server {_shown(change.new, hidden)}"
        for change in drifted
    ]


def _shown(value: Any, hidden: bool) -> str:
    if _missing(value):
        return "nothing"
    return "[secret]" if hidden or isinstance(value, Secret) else repr(value)


def _missing(value: Any) -> bool:
    return isinstance(value, Missing)


def _place_in_inputs(inputs: Object, path: Path) -> Path | None:
    """Where the inputs speak of a place of the object; None where they do not.

    Inside a list only the whole list counts: its entries may stand elsewhere on the server.
    """
    if path[0] == "data" and len(path) == 2 and path[1] in (_unwrapped(inputs.get("stringData")) or {}):
        path = ("stringData", path[1])
    value: Any = inputs
    for depth, part in enumerate(path):
        if isinstance(value, Secret | list):
            return path[:depth]
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return path


def _live_value(live: Object, path: Path) -> Any:
    if path[0] == "stringData":
        data = live.get("data") or {}
        if len(path) == 1:
            return {key: decoded(value) for key, value in data.items()}
        return decoded(data[path[1]]) if path[1] in data else MISSING
    return value_at(live, path)


def _unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value


def _overlaid(live: Any, body: Any) -> Any:
    if isinstance(live, dict) and isinstance(body, dict):
        return live | {key: _overlaid(live.get(key), value) for key, value in body.items()}
    return body
