"""Objects on the API server: written, read and deleted on behalf of one resource each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider import annotations
from amalgam_pulumi.provider.api import Api, Kind, Object
from amalgam_pulumi.provider.body import body_of
from amalgam_pulumi.provider.diff import owned_fields
from amalgam_pulumi.provider.drift import drift, told, with_drift
from amalgam_pulumi.provider.errors import ApiError
from amalgam_pulumi.provider.progress import Say
from amalgam_pulumi.provider.refusals import explained
from amalgam_pulumi.provider.settings import Settings
from amalgam_pulumi.provider.waiting import Waiter


class Place(NamedTuple):
    """Where an object is; its text is the engine's id."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """``NAMESPACE/NAME``, or ``NAME`` where the kind has no namespaces."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def place_of(kind: Kind, resource_id: str, namespace: str) -> Place:
    """The place that an id names; without a namespace in it, a namespaced object is in ``namespace``."""
    inside, _, name = resource_id.rpartition("/")
    return Place((inside or namespace) if kind.namespaced else "", name)


@dataclass(frozen=True)
class Objects:
    """The operations of a resource's life."""

    api: Api
    waiter: Waiter
    settings: Settings

    def create(self, kind: Kind, inputs: Object, manager: str, limit_s: float, say: Say, *, preview: bool) -> Object:
        """Make an object, or go on with one that an interrupted update of the same resource made.

        Raises:
            AmalgamError: somebody else's object is there, or the server refused.
            NotReady: it was made, and does not become ready.
        """
        body = body_of(inputs)
        place = _place(body)
        with _explained(kind, place):
            live = self.api.get(kind, *place)
        forced = self.settings.upsert or self._forced(body)
        if live is not None and not forced and owned_fields(live, manager) is None:
            raise _exists(kind, place, live)
        return self._write(kind, body, manager, limit_s, say, preview=preview)

    def update(self, kind: Kind, inputs: Object, manager: str, limit_s: float, say: Say, *, preview: bool) -> Object:
        """Bring an object to its inputs; one that was deleted meanwhile is made again.

        Raises:
            AmalgamError: another field manager is in the way, or the server refused.
            NotReady: it was written, and does not become ready.
        """
        return self._write(kind, body_of(inputs), manager, limit_s, say, preview=preview)

    def _write(self, kind: Kind, body: Object, manager: str, limit_s: float, say: Say, *, preview: bool) -> Object:
        limit_s = annotations.timeout_s(body, limit_s)
        with _explained(kind, _place(body)):
            written = self.api.apply(kind, body, manager, force=self._forced(body), dry_run=preview)
            if preview or annotations.is_set(body, annotations.SKIP_AWAIT):
                return written
            return self.waiter.until_ready(kind, written, limit_s, say)

    def read(self, kind: Kind, place: Place, inputs: Object, manager: str, say: Say) -> tuple[Object, Object] | None:
        """An object as it is, and the inputs that would make it so; None where it is gone.

        Args:
            kind: its kind.
            place: where it is.
            inputs: those last applied (with secrets); empty for an import.
            manager: the field manager that applied them.
            say: told each field that drifted.

        Raises:
            AmalgamError: the server refused.
        """
        with _explained(kind, place):
            live = self.api.get(kind, *place)
            if live is None:
                return None
            if not inputs:
                return live, {}
            drifted = drift(self.api, kind, inputs, live, manager)
        if drifted:
            say("drifted: " + "; ".join(told(drifted, live)), True)
        return live, with_drift(inputs, drifted)

    def delete(self, kind: Kind, place: Place, state: Object, limit_s: float, say: Say) -> None:
        """Delete the object that ``state`` (its outputs) describes, and wait until it is gone; gone before is fine.

        Raises:
            AmalgamError: another object has taken its place, the server refused, or it does not go.
        """
        limit_s = annotations.timeout_s(state, limit_s)
        uid = str((state.get("metadata") or {}).get("uid", ""))
        with _explained(kind, place):
            self.api.delete(kind, *place, propagation=annotations.propagation(state), uid=uid)
            if not annotations.is_set(state, annotations.SKIP_AWAIT):
                self.waiter.until_gone(kind, *place, uid, limit_s, say)

    def _forced(self, body: Object) -> bool:
        return self.settings.force or annotations.is_set(body, annotations.PATCH_FORCE)


class _explained:  # noqa: N801 - used like a function
    """Turns what the server says about one object into words for people."""

    def __init__(self, kind: Kind, place: Place) -> None:
        self._what = f"{kind.kind} {place}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, ApiError):
            raise explained(error, self._what) from error


def _place(body: Object) -> Place:
    return Place(body["metadata"].get("namespace", ""), body["metadata"]["name"])


def _exists(kind: Kind, place: Place, live: Object) -> AmalgamError:
    makers = dict.fromkeys(entry["manager"] for entry in live["metadata"].get("managedFields", []))
    return AmalgamError(
        f"exists already (made by {', '.join(makers) or 'somebody'})",
        where=f"{kind.kind} {place}",
        remedy=f'import it (opts.import_="{place}"); or, where the resource was renamed, give its old name '
        f'(opts.aliases); or take the object over with the annotation {annotations.PATCH_FORCE}: "true"',
    )


