"""Tells a person how far a run is: which play of how many, and how long it has taken so far."""

from __future__ import annotations

import time

from ansible.executor.stats import AggregateStats
from ansible.playbook import Playbook
from ansible.playbook.play import Play
from ansible.plugins.callback import CallbackBase

from amalgam.work_log import note

DOCUMENTATION = """
name: progress
type: notification
short_description: Number and elapsed time of each play
description: [Prints one line at the start of each play, beside whatever callback prints tasks.]
requirements: [C(callbacks_enabled) in ansible.cfg]
"""


class CallbackModule(CallbackBase):
    """See ``DOCUMENTATION``."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Start the clock."""
        super().__init__()
        self._started = time.monotonic()
        self._plays = 0
        self._begun = 0

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        """Count the plays there will be."""
        self._plays = len(playbook.get_plays())

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """Say which one begins."""
        self._begun += 1
        self._display.display(f"[{self._begun}/{self._plays}] {play.get_name()}  ({self._elapsed()} so far)")

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Say whether there was anything to do, and how long it took."""
        changes = sum(stats.changed.values())
        if stats.failures or stats.dark:
            outcome = f"Not finished: see {', '.join(sorted({*stats.failures, *stats.dark}))} above"
        elif changes == 0:
            outcome = "Everything was in place: nothing changed"
        else:
            outcome = f"Done: {changes} changes"
            note(f"site: {changes} changes")
        self._display.display(f"{outcome}  ({self._elapsed()})")

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes} min {seconds:02d} s"
