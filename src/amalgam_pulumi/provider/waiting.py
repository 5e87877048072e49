"""Waiting for objects: until they are ready, or gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider.api import Api, Kind, Object
from amalgam_pulumi.provider.errors import NotReadyError
from amalgam_pulumi.provider.progress import Say
from amalgam_pulumi.provider.readiness import rule_of
from amalgam_pulumi.provider.steering import TIMEOUT_SECONDS

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
LONGER = f"mend the cause; or give more time (opts.custom_timeouts, annotation {TIMEOUT_SECONDS})"


class Waiter:
    """Asks the API server at growing intervals; :meth:`cancel` ends every wait."""

    def __init__(self, api: Api) -> None:
        """Nothing is cancelled yet."""
        self._api = api
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End all waits, those to come too."""
        self._cancelled.set()

    def until_ready(self, kind: Kind, written: Object, limit_s: float, say: Say) -> Object:
        """Wait for an object that was just written; it, as it is when it is ready.

        Raises:
            NotReadyError: it failed, the time is over, or the wait was cancelled.
        """
        rule = rule_of(written)
        if rule is None:
            return written
        state: dict[str, Any] = {"live": written, "message": ""}

        def look() -> bool:
            live = state["live"]
            verdict = rule(live, self._list)
            if verdict.ready:
                return True
            if verdict.failed:
                raise NotReadyError(live, [verdict.message])
            if verdict.message != state["message"]:
                say(verdict.message, False)
            metadata = live["metadata"]
            found = self._api.get(kind, metadata.get("namespace", ""), metadata["name"])
            if found is None:
                raise NotReadyError(live, ["somebody deleted it meanwhile"])
            state.update(live=found, message=verdict.message)
            return False

        end = self._poll(look, limit_s)
        if end:
            raise NotReadyError(state["live"], [f"not ready {end}: {state['message']}. remedy: {LONGER}"])
        live: Object = state["live"]
        return live

    def until_gone(self, kind: Kind, namespace: str, name: str, uid: str, limit_s: float, say: Say) -> None:
        """Wait until no object with ``uid`` is there.

        Raises:
            AmalgamError: the time is over, or the wait was cancelled; the message says what holds the object.
        """
        state = {"message": ""}

        def look() -> bool:
            live = self._api.get(kind, namespace, name)
            if live is None or (uid and live["metadata"]["uid"] != uid):
                return True
            held = ", ".join(live["metadata"].get("finalizers") or live.get("spec", {}).get("finalizers") or [])
            message = f"waiting until it is gone (finalizers: {held})" if held else "waiting until it is gone"
            if message != state["message"]:
                say(message, False)
            state["message"] = message
            return False

        end = self._poll(look, limit_s)
        if end:
            raise AmalgamError(f"not gone {end}; {state['message']}", where=f"{kind.kind} {name}", remedy=LONGER)

    def _list(self, api_version: str, kind: str, namespace: str, labels: str) -> list[Object]:
        return self._api.labelled(self._api.kind(api_version, kind), namespace, labels)

    def _poll(self, look: Callable[[], bool], limit_s: float) -> str:
        """Look until it says True; why it never did, or nothing."""
        end = time.monotonic() + limit_s
        pause = _FIRST_PAUSE_S
        while not look():
            left = end - time.monotonic()
            if left <= 0:
                return f"after {limit_s:.0f} s"
            if self._cancelled.wait(min(pause, left)):
                return "when the update was cancelled"
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        return ""
