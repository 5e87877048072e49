"""Objects on the API server: written, read and deleted on behalf of one resource each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider import steering
from amalgam_pulumi.provider.api import Api, Kind, Object
from amalgam_pulumi.provider.body import body_of
from amalgam_pulumi.provider.diff import owned_fields
from amalgam_pulumi.provider.drift import drift, told, with_drift
from amalgam_pulumi.provider.errors import ApiError
from amalgam_pulumi.provider.paths import parsed, related
from amalgam_pulumi.provider.progress import Say
from amalgam_pulumi.provider.refusals import explained, managers_of
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

    def create(
        self, kind: Kind, inputs: Object, manager: str, limit_s: float, say: Say, *, preview: bool
    ) -> Object | None:
        """Make an object, or go on with one that an interrupted update of the same resource made.

        None in the preview of a replacement: the old object stands where the new one is to be tried.

        Raises:
            AmalgamError: somebody else's object is there, or the server refused.
            NotReadyError: it was made, and does not become ready.
        """
        body = body_of(inputs)
        place = _place(body)
        with _explained(kind, place):
            live = self.api.get(kind, *place)
        forced = self.settings.upsert or self._forced(body)
        if live is not None and not forced and owned_fields(live, manager) is None:
            raise _exists(kind, place, live)
        if live is not None and preview:
            return None
        with _explained(kind, place):
            written = self.api.apply(kind, body, manager, force=forced, dry_run=preview)
            return written if preview else self._awaited(kind, body, written, limit_s, say)

    def update(
        self, kind: Kind, inputs: Object, old: Object, manager: str, limit_s: float, say: Say, *, preview: bool
    ) -> Object:
        """Bring an object to its inputs; one that was deleted meanwhile is made again.

        Args:
            kind: its kind.
            inputs: the new inputs.
            old: those of the state: last applied, or as the last refresh found them.
            manager: the field manager that applies them.
            limit_s: how long to wait, in seconds; 0 for the default.
            say: told how far it is.
            preview: change nothing.

        Raises:
            AmalgamError: another field manager is in the way, or the server refused.
            NotReadyError: it was written, and does not become ready.
        """
        body = body_of(inputs)
        with _explained(kind, _place(body)):
            try:
                written = self.api.apply(kind, body, manager, force=self._forced(body), dry_run=preview)
            except ApiError as error:
                if not error.conflicts or not self._seen(kind, _place(body), old, manager, error):
                    raise
                written = self.api.apply(kind, body, manager, force=True, dry_run=preview)
            return written if preview else self._awaited(kind, body, written, limit_s, say)

    def _awaited(self, kind: Kind, body: Object, written: Object, limit_s: float, say: Say) -> Object:
        if steering.is_set(body, steering.SKIP_AWAIT):
            return written
        return self.waiter.until_ready(kind, written, steering.timeout_s(body, limit_s), say)

    def _seen(self, kind: Kind, place: Place, old: Object, manager: str, refusal: ApiError) -> bool:
        """Whether the state knows what it is about to overwrite, by a refresh; and no other applier wants it so.

        Then it is drift, which ``up`` repairs. What nobody has looked at yet is a conflict, and reported.
        """
        live = self.api.get(kind, *place)
        if live is None or any(owned_fields(live, name) is not None for name in managers_of(refusal)):
            return False
        unseen = [change.path for change in drift(self.api, kind, old, live, manager)]
        return not any(
            related(parsed(cause.field), ("data", *path[1:]) if path[0] == "stringData" else path)
            for cause in refusal.conflicts
            for path in unseen
        )

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
        limit_s = steering.timeout_s(state, limit_s)
        uid = str((state.get("metadata") or {}).get("uid", ""))
        with _explained(kind, place):
            self.api.delete(kind, *place, propagation=steering.propagation(state), uid=uid)
            if not steering.is_set(state, steering.SKIP_AWAIT):
                self.waiter.until_gone(kind, *place, uid, limit_s, say)

    def _forced(self, body: Object) -> bool:
        return self.settings.force or steering.is_set(body, steering.PATCH_FORCE)


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
        f'(opts.aliases); or take the object over with the annotation {steering.PATCH_FORCE}: "true"',
    )
