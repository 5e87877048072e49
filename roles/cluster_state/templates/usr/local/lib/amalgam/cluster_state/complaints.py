"""What goes wrong is told on stderr, and so in the journal: once a minute for each topic, however often it happens."""

from __future__ import annotations

import sys
import time

_SECONDS = 60.0


class Complaints:
    """Tells of one topic."""

    def __init__(self, topic: str) -> None:
        """Begin every line with the topic."""
        self._topic = topic
        self._silent_until = 0.0
        self._withheld = 0

    def tell(self, text: object) -> None:
        """Write a line, unless one was written within the last minute."""
        now = time.monotonic()
        if now < self._silent_until:
            self._withheld += 1
            return
        more = f" ({self._withheld} more since the last line)" if self._withheld else ""
        sys.stderr.write(f"{self._topic}: {text}{more}\n")
        sys.stderr.flush()
        self._silent_until, self._withheld = now + _SECONDS, 0
