"""Several at once, stopped by the first that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

WORKERS = 4
"""Connections at once: each holds one part in memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """What ``function`` makes of each item, in their order.

    Raises:
        Exception: the first one that ``function`` raised; what has not begun by then never does.
    """
    pool = ThreadPoolExecutor(WORKERS)
    try:
        futures = [pool.submit(function, item) for item in items]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
