from __future__ import annotations

import os
import signal
import subprocess

from amalgam.lab.processes import Process, children, command_line, inner_pid


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    this = Process.of(os.getpid())
    assert this.alive()
    assert not this.model_copy(update={"start_ticks": this.start_ticks + 1}).alive()
    assert not this.model_copy(update={"boot_id": "another boot of the machine"}).alive()


def test_a_signal_ends_a_process_and_waiting_sees_it_go() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        process = Process.of(child.pid)
        assert not process.wait_gone(0)
        process.send(signal.SIGTERM)
        assert process.wait_gone(10)
        assert not process.alive()


def test_a_process_that_has_gone_is_no_error() -> None:
    with subprocess.Popen(["true"]) as child:
        process = Process.of(child.pid)
    process.send(signal.SIGKILL)
    assert process.wait_gone(0)
    assert children(child.pid) == []
    assert command_line(child.pid) == ""
    assert inner_pid(child.pid) is None


def test_children_and_arguments_are_found() -> None:
    with subprocess.Popen(["cat", "-", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"x\n")
        child.stdin.flush()
        # Its answer shows that the program runs, and not still the fork of this one.
        assert child.stdout.readline() == b"x\n"
        assert child.pid in children(os.getpid())
        assert command_line(child.pid) == "cat - -"
        child.stdin.close()
