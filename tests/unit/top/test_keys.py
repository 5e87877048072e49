"""A key ends the wait, on a real terminal."""

from __future__ import annotations

import os
import pty
import sys
import termios
import time

import pytest

from amalgam.top.keys import waiting


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch):
    """Its other end, at which keys are pressed."""
    keys, screen = pty.openpty()
    with os.fdopen(screen, closefd=True) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keys
    os.close(keys)


def test_q_ends_and_other_keys_do_not(terminal: int) -> None:
    with waiting() as pressed:
        os.write(terminal, b"x")
        assert not pressed(0.2)
        os.write(terminal, b"xq")
        start = time.monotonic()
        assert pressed(30)
        assert time.monotonic() - start < 5


@pytest.mark.usefixtures("terminal")
def test_the_terminal_is_as_it_was_afterwards() -> None:
    before = termios.tcgetattr(sys.stdin.fileno())
    with waiting():
        assert termios.tcgetattr(sys.stdin.fileno()) != before
    assert termios.tcgetattr(sys.stdin.fileno()) == before


def test_without_a_terminal_it_only_waits() -> None:
    with waiting() as pressed:
        assert not pressed(0.01)
