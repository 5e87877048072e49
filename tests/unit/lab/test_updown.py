from __future__ import annotations

import threading

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab.state import NodeState
from amalgam.lab.updown import _each


def _node(name: str) -> NodeState:
    return NodeState(name=name, role="", architecture="amd64", address="10.88.0.2", loopback="127.9.9.2")


def test_nodes_are_worked_on_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=10)
    _each([_node("a"), _node("b"), _node("c")], lambda _: meeting.wait())


def test_every_failure_is_told_not_just_the_first() -> None:
    def fail(node: NodeState) -> None:
        if node.name != "b":
            raise AmalgamError("does not boot", where=node.name)

    with pytest.raises(AmalgamError) as caught:
        _each([_node("a"), _node("b"), _node("c")], fail)
    assert "a: does not boot" in str(caught.value)
    assert "c: does not boot" in str(caught.value)
