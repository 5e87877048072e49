"""One kind of object, kept up to date: listed once, then watched from there on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from cluster_state.api import Api, ApiError, ExpiredError, Object, Page
from cluster_state.complaints import Complaints

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


class Sink(Protocol):
    """Who is told what there is."""

    def replace(self, pages: Iterable[Page]) -> str:
        """All there is; the position to watch from."""

    def change(self, kind: str, item: Object) -> None:
        """An object was ADDED, MODIFIED or DELETED."""

    def bookmark(self, position: str) -> None:
        """Nothing else happened up to there."""


class Watcher:
    """Keeps a sink up to date, whatever happens to the API servers."""

    def __init__(self, api: Api, path: str, sink: Sink, pause: Callable[[float], None] = time.sleep) -> None:
        """Watch what lies at a path of the API."""
        self.path = path
        self.name = path.rpartition("/")[2]
        self.errors = 0
        self.synced = 0.0
        """When the server last said how things are, in seconds since the epoch; 0 before it first did."""
        self._api = api
        self._sink = sink
        self._position = ""
        self._pause = pause
        self._wait = _FIRST_PAUSE
        self._complaints = Complaints(self.name)

    def start(self) -> None:
        """Begin, in a thread that ends with the program."""
        threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def _run(self) -> None:
        while True:
            self.step()

    def step(self) -> None:
        """List, where that is needed, and follow one watch to its end."""
        began = time.monotonic()
        try:
            if not self._position:
                self._position = self._sink.replace(self._api.list(self.path))
                self._heard()
            for change in self._api.watch(self.path, self._position):
                self._follow(change)
            # It ended in good order: there was nothing more to say.
            self._heard()
        except ExpiredError:
            self._position = ""
        except ApiError as error:
            # What comes back may be a cluster restored from a backup. Its positions begin again further back: a watch
            # from the old one would say nothing for a long time.
            self._position = ""
            self._failed(error)
            return
        if time.monotonic() - began < _FIRST_PAUSE:
            self._pause(_FIRST_PAUSE)

    def _follow(self, change: Object) -> None:
        position = change["object"]["metadata"]["resourceVersion"]
        if change["type"] == "BOOKMARK":
            self._sink.bookmark(position)
        else:
            self._sink.change(change["type"], change["object"])
        self._position = position
        self._heard()

    def _heard(self) -> None:
        self.synced = time.time()
        self._wait = _FIRST_PAUSE

    def _failed(self, error: ApiError) -> None:
        self.errors += 1
        self._complaints.tell(error)
        # Spread, so that all watches do not come back at once.
        self._pause(self._wait * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        self._wait = min(self._wait * 2, _LONGEST_PAUSE)
