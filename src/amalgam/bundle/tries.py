"""Three tries for what asks the network: an index that stumbles, or an archive amid its update, is well again soon."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from amalgam.errors import AmalgamError

_TRIES = 3
_PAUSE_SECONDS = 2.0

_Answer = TypeVar("_Answer")


def thrice(ask: Callable[[], _Answer]) -> _Answer:
    """What is answered.

    Raises:
        AmalgamError: what the last try failed with.
    """
    for _ in range(_TRIES - 1):
        try:
            return ask()
        except AmalgamError:
            time.sleep(_PAUSE_SECONDS)
    return ask()
