"""All that Prometheus is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cluster_state.cache import Cache
from cluster_state.delivery import Courier
from cluster_state.families import line
from cluster_state.watching import Watcher

# What was true this long ago is not told as if it were true now.
STALE_SECONDS = 300


@dataclass(frozen=True)
class Exposition:
    """What is known, and how well it is known."""

    caches: Sequence[tuple[Watcher, Cache]]
    events: tuple[Watcher, Courier] | None = None
    now: Callable[[], float] = time.time

    def text(self) -> Iterator[str]:
        """The series, in pieces."""
        for watcher, cache in self.caches:
            if not self._stale(watcher):
                yield from cache.text()
        yield from self._own()

    def stale(self) -> list[str]:
        """Kinds of objects of which nothing was heard for too long."""
        return [watcher.name for watcher in self._watchers() if self._stale(watcher)]

    def _stale(self, watcher: Watcher) -> bool:
        return self.now() - watcher.synced > STALE_SECONDS

    def _watchers(self) -> list[Watcher]:
        return [watcher for watcher, _ in self.caches] + ([self.events[0]] if self.events else [])

    def _own(self) -> Iterator[str]:
        watchers = self._watchers()
        yield from _family(
            "cluster_state_watch_errors_total",
            "counter",
            "Lists and watches that failed.",
            {watcher.name: watcher.errors for watcher in watchers},
        )
        yield from _family(
            "cluster_state_last_sync_timestamp_seconds",
            "gauge",
            "When the API server last said how things are.",
            {watcher.name: watcher.synced for watcher in watchers},
        )
        yield from _family(
            "cluster_state_objects",
            "gauge",
            "Objects that are known.",
            {watcher.name: len(cache) for watcher, cache in self.caches},
        )
        yield from _family(
            "cluster_state_misread_objects_total",
            "counter",
            "Objects that were left out, since they are not what they should be.",
            {watcher.name: cache.misread for watcher, cache in self.caches},
        )
        if self.events:
            courier = self.events[1]
            yield from _family(
                "cluster_state_events_delivered_total", "counter", "Events taken by the log.", {"": courier.delivered}
            )
            yield from _family(
                "cluster_state_event_delivery_errors_total",
                "counter",
                "Deliveries of events that the log did not take, and that were tried again.",
                {"": courier.errors},
            )


def _family(name: str, kind: str, text: str, values: dict[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
    for resource, value in values.items():
        yield line(name, {"resource": resource}, value)
