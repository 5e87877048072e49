"""What the steps of one command of make have done together: each notes its part, and the last one says it all.

The file is named by an environment variable; its first line is the time at which the command began. Without the
variable nothing is noted, and steps that had nothing to do note nothing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

VARIABLE = "AMALGAM_WORK_LOG"


def note(done: str) -> None:
    """Note what was done, in a few words."""
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a") as log:
            log.write(f"{done}\n")


def closing() -> str:
    """All that was done, and for how long; empty where no command keeps a log."""
    path = os.environ.get(VARIABLE)
    if not path or not Path(path).is_file():
        return ""
    began, *done = Path(path).read_text().splitlines()
    minutes, seconds = divmod(int(time.time()) - int(began), 60)
    taken = f"{minutes} min {seconds:02d} s"
    if not done:
        return f"Everything was in place: nothing had to be done ({taken})"
    return f"Done in {taken}: {', '.join(done)}"
