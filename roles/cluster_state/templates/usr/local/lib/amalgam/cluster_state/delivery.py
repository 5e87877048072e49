"""From the watch of events to the log: nothing is lost, and what is delivered twice is so by a crash alone.

Where the log does not take lines, the queue fills and the watch is not read on: the API server keeps events for an
hour.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cluster_state.api import Object, Page
from cluster_state.complaints import Complaints
from cluster_state.events import record
from cluster_state.position import Position

_QUEUED = 2000
_BATCH = 500
_BATCH_BYTES = 1 << 20
_GATHER_SECONDS = 0.5
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


class DeliveryError(Exception):
    """The log does not take lines now."""


@dataclass(frozen=True)
class Step:
    """One step on: a line to deliver, or none where there was only nothing to say."""

    position: int
    line: bytes = b""


class Feed:
    """A sink of events; what it was told waits in a queue until a ``Courier`` has delivered it."""

    def __init__(self, position: int) -> None:
        """Go on from a position, 0 for none."""
        self.steps: queue.Queue[Step] = queue.Queue(_QUEUED)
        self._position = position

    def replace(self, pages: Iterable[Page]) -> str:
        """All events there are; those that were told before are passed over. The position of the list."""
        steps: list[Step] = []
        position = ""
        for page in pages:
            position = page.position
            steps += map(_step, page.items)
        # A cluster that was restored from a backup begins again further back.
        known = self._position if self._position <= int(position) else 0
        for step in sorted(steps, key=lambda one: one.position):
            if step.position > known:
                self.steps.put(step)
        self.bookmark(position)
        return position

    def change(self, kind: str, item: Object) -> None:
        """An event happened, happened again, or is forgotten by the API server."""
        step = _step(item)
        self._put(Step(step.position) if kind == "DELETED" else step)

    def bookmark(self, position: str) -> None:
        """Nothing else happened up to there."""
        self._put(Step(int(position)))

    def _put(self, step: Step) -> None:
        self.steps.put(step)
        self._position = step.position


class Courier:
    """Delivers steps in batches, each until it is taken, and only then writes down the position."""

    def __init__(
        self,
        steps: queue.Queue[Step],
        deliver: Callable[[bytes], None],
        position: Position,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """``deliver`` raises DeliveryError where the log did not take the lines."""
        self.delivered = 0
        self.errors = 0
        self._steps = steps
        self._deliver = deliver
        self._position = position
        self._pause = pause
        self._complaints = Complaints("events")

    def start(self) -> None:
        """Begin, in a thread that ends with the program."""
        threading.Thread(target=self._run, name="courier", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.step()

    def step(self) -> None:
        """Deliver the next batch."""
        batch = self._gather()
        lines = [step.line for step in batch if step.line]
        if lines:
            self._insist(b"".join(lines))
            self.delivered += len(lines)
        try:
            self._position.move(batch[-1].position)
        except OSError as error:
            # A full disk costs a repetition after a restart, and not the series, by which somebody is told of it.
            self._complaints.tell(f"the position cannot be written: {error}")

    def _gather(self) -> list[Step]:
        batch = [self._steps.get()]
        size = len(batch[0].line)
        until = time.monotonic() + _GATHER_SECONDS
        while len(batch) < _BATCH and size < _BATCH_BYTES and (left := until - time.monotonic()) > 0:
            try:
                batch.append(self._steps.get(timeout=left))
            except queue.Empty:
                break
            size += len(batch[-1].line)
        return batch

    def _insist(self, content: bytes) -> None:
        wait = _FIRST_PAUSE
        while True:
            try:
                self._deliver(content)
            except DeliveryError as error:
                self.errors += 1
                self._complaints.tell(error)
                self._pause(wait)
                wait = min(wait * 2, _LONGEST_PAUSE)
            else:
                return


def _step(event: Object) -> Step:
    line = json.dumps(record(event), ensure_ascii=False, separators=(",", ":"))
    return Step(int(event["metadata"]["resourceVersion"]), line.encode("utf-8", "replace") + b"\n")
