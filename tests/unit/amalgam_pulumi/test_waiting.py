"""Whoever waits is told what for, once for each step; and at the end for how long, and what was missing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider.errors import NotReadyError
from amalgam_pulumi.provider.waiting import Waiter

KIND: Any = SimpleNamespace(kind="Thing")


class Api:
    """A seam in the place of the API server: an object as it is at each look; the last for ever."""

    def __init__(self, *looks: Any) -> None:
        self._looks = iter(looks)
        self._last: Any = None

    def get(self, *_: Any) -> Any:
        self._last = next(self._looks, self._last)
        return self._last


def _deployment(available: int) -> dict[str, Any]:
    ready = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": available}
    metadata = {"name": "web", "namespace": "n", "generation": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": 2, "selector": {"matchLabels": {}}},
        "status": ready,
    }


def _waiter(*looks: Any) -> Waiter:
    waiter = Waiter(cast(Any, Api(*looks)))
    waiter._list = lambda *_: []  # type: ignore[method-assign]
    return waiter


@pytest.fixture
def told() -> list[str]:
    """What was said so far."""
    return []


def test_each_step_is_told_once_while_it_is_awaited(told: list[str]) -> None:
    waiter = _waiter(*(_deployment(count) for count in (0, 0, 1, 1, 2)))
    ready = waiter.until_ready(KIND, _deployment(0), 30, lambda text, _: told.append(text))
    assert ready["status"]["availableReplicas"] == 2
    assert [text.partition(" updated")[0] for text in told] == ["0 of 2 replicas", "1 of 2 replicas"]


def test_the_end_of_patience_says_how_long_it_was_and_what_is_missing(told: list[str]) -> None:
    waiter = _waiter(_deployment(1))
    with pytest.raises(NotReadyError, match="not ready after 1 s: 1 of 2 replicas"):
        waiter.until_ready(KIND, _deployment(1), 0.6, lambda text, _: told.append(text))


def test_a_wait_that_is_cancelled_says_so(told: list[str]) -> None:
    waiter = _waiter(_deployment(1))
    waiter.cancel()
    with pytest.raises(NotReadyError, match="not ready when the update was cancelled: "):
        waiter.until_ready(KIND, _deployment(0), 30, lambda text, _: told.append(text))


def test_what_holds_an_object_that_is_to_go_is_told_once(told: list[str]) -> None:
    held = {"metadata": {"uid": "1", "finalizers": ["example.com/kept"]}}
    waiter = _waiter(held, held, None)
    waiter.until_gone(KIND, "n", "web", "1", 30, lambda text, _: told.append(text))
    assert told == ["waiting until it is gone (finalizers: example.com/kept)"]
    with pytest.raises(AmalgamError, match=r"not gone after 0 s; .*example.com/kept"):
        _waiter(held).until_gone(KIND, "n", "web", "1", 0.2, lambda *_: None)
