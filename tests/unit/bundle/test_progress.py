"""A build says what it is doing, how far it is and how long it took, on a terminal and in a log."""

from __future__ import annotations

import fcntl
import io
import re
import threading

import pytest
from rich.console import Console

from amalgam.bundle import progress
from amalgam.bundle.alone import alone
from amalgam.bundle.progress import Progress


class Said(io.StringIO):
    """Output that can be awaited."""

    def __init__(self):
        super().__init__()
        self._changed = threading.Condition()

    def write(self, text):
        with self._changed:
            self._changed.notify_all()
            return super().write(text)

    def wait_for(self, text):
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.getvalue(), timeout=10)


def test_each_step_ends_in_a_line_with_count_name_and_time():
    said = io.StringIO()
    steps = Progress(Console(file=said, width=200), 12)
    for name in ("program kubelet", "image pause"):
        with steps.step(name):
            pass
    assert re.search(r"\[  2/12\] image pause +\d+\.\d s   \d+:\d\d elapsed", said.getvalue())


@pytest.mark.parametrize("terminal", [False, True])
def test_a_long_step_shows_that_it_goes_on(monkeypatch, terminal):
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    said = Said()
    with Progress(Console(file=said, width=200, force_terminal=terminal), 1).step("program kubelet"):
        said.wait_for("so far")


def test_a_step_that_fails_counts_for_nothing():
    said = io.StringIO()
    steps = Progress(Console(file=said, width=200), 2)
    with pytest.raises(RuntimeError), steps.step("program kubelet"):
        raise RuntimeError
    assert "kubelet" not in said.getvalue()


def test_a_second_builder_waits_for_the_first_and_says_so(tmp_path):
    said = Said()
    with (tmp_path / "bundle-build.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        entered = threading.Event()

        def second():
            with alone(tmp_path, Console(file=said)):
                entered.set()

        thread = threading.Thread(target=second)
        thread.start()
        said.wait_for("waiting for another bundle build")
        assert not entered.is_set()
    assert entered.wait(10)
    thread.join()
