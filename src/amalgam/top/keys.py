"""Waiting that a key ends."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ENDS = (b"q", b"Q", b"")
"""An empty reading is the end of the input."""


@contextmanager
def waiting() -> Iterator[Callable[[float], bool]]:
    """A function that waits so many seconds, and says whether ``q`` was pressed; keys are not shown meanwhile.

    Where the input is no terminal it only waits.
    """
    if not sys.stdin.isatty():
        yield _sleep
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    # Ctrl-C goes on to interrupt.
    tty.setcbreak(terminal)
    try:
        yield lambda seconds: _pressed(terminal, seconds)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _pressed(terminal: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([terminal], [], [], left)
        if ready and os.read(terminal, 1) in _ENDS:
            return True
    return False
