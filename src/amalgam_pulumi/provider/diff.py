"""What a change of inputs means for the object: nothing, an update, or a replacement.

The API server is asked by dry runs; there is no list of fields that cannot change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from amalgam_pulumi.provider.api import Api, Kind, Object
from amalgam_pulumi.provider.body import NOTED_BY_SERVER, body_of, stripped
from amalgam_pulumi.provider.errors import ApiError
from amalgam_pulumi.provider.paths import Change, changes, parsed, related
from amalgam_pulumi.provider.values import Path, has_unknown

_IDENTITY: tuple[Path, ...] = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))
# The server's own words, where it cannot be asked whether it would take the object as a new one.
_FIXED = re.compile(r"immutable|forbidden|may not (be )?change|cannot change", re.IGNORECASE)
_PROBE = "amalgam-dry-run-probe"


@dataclass(frozen=True)
class Diff:
    """Which inputs changed, and those among them for which the object must be made anew."""

    changed: list[Change]
    replaced: frozenset[Path] = frozenset()


NOTHING = Diff([])


def diff(api: Api, kind: Kind | None, old: Object, new: Object, manager: str) -> Diff:
    """Compare the inputs of last time with those of now.

    Args:
        api: asked only where inputs differ.
        kind: None where the server does not serve it yet.
        old: inputs of last time (plain, checked).
        new: inputs of now (plain, checked); may have unknown values.
        manager: field manager of the stack.

    Raises:
        ApiError: the server refused to say.
    """
    changed = list(changes(old, new))
    identity = frozenset(change.path for change in changed if change.path in _IDENTITY and not _same_group(change))
    if identity or not changed or kind is None or has_unknown(new):
        return Diff(changed, identity)
    body = body_of(new)
    live = api.get(kind, body["metadata"].get("namespace", ""), body["metadata"]["name"])
    if live is None:
        return Diff(changed)
    try:
        then = api.apply(kind, body, manager, force=True, dry_run=True)
    except ApiError as error:
        if error.status != 422:
            return Diff(changed)
        return Diff(changed, _replaced(api, kind, body, error, changed))
    return Diff(changed) if _differs(live, then, manager) else NOTHING


def _same_group(change: Change) -> bool:
    """Whether only the version of an API changed: the object is the same one."""
    if change.path != ("apiVersion",) or not isinstance(change.old, str) or not isinstance(change.new, str):
        return False
    return change.old.rpartition("/")[0] == change.new.rpartition("/")[0]


def _differs(live: Object, then: Object, manager: str) -> bool:
    """Whether applying changes the object, or which of its fields are this stack's (where it has some)."""
    if stripped(live, NOTED_BY_SERVER) != stripped(then, NOTED_BY_SERVER):
        return True
    owned = owned_fields(live, manager)
    return owned is not None and owned != owned_fields(then, manager)


def owned_fields(live: Object, manager: str) -> Object | None:
    """The fields that a manager has applied, as ``managedFields`` lists them, or None where it has applied none."""
    entries = live["metadata"].get("managedFields", [])
    mine = (e for e in entries if e["manager"] == manager and e["operation"] == "Apply" and not e.get("subresource"))
    return next((entry["fieldsV1"] for entry in mine), None)


def _replaced(api: Api, kind: Kind, body: Object, refusal: ApiError, changed: list[Change]) -> frozenset[Path]:
    """The changes that the server refuses for this object but takes for a new one."""
    fixed = {parsed(cause.field) for cause in refusal.causes}
    probe = body | {"metadata": body["metadata"] | {"name": f"{body['metadata']['name'][:200]}-{_PROBE}"}}
    try:
        api.create_dry(kind, probe)
    except ApiError as error:
        if error.status == 422:
            fixed -= {parsed(cause.field) for cause in error.causes}
        elif not _FIXED.search(refusal.message):
            return frozenset()
    if not fixed:
        return frozenset()
    found = frozenset(change.path for change in changed if any(related(change.path, path) for path in fixed))
    return found or frozenset(change.path for change in changed)
