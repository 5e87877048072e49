"""Downloads and compilers beside the build: in order, waited for, ended with it, and their failures left to it."""

from __future__ import annotations

import os

from amalgam.bundle.ahead import Ahead
from amalgam.bundle.programs import GoCall


class Programs:
    """Listings that run ``script`` with the program's name and what is to be done as its arguments."""

    def __init__(self, folder, script):
        self.folder, self.script = folder, script

    def listing(self, program, _, *, compiled):
        if program == "in C":
            return None
        done = "compiled" if compiled else "downloaded"
        return GoCall(["sh", "-c", self.script, "sh", program, done], self.folder, {"PATH": "/usr/bin:/bin"})


def test_each_program_is_downloaded_before_it_is_compiled_and_compiled_once_it_is_waited_for(tmp_path):
    programs = Programs(tmp_path, 'test "$2" = downloaded || test -e "$1.downloaded" || exit 1; touch "$1.$2"')
    wanted = [("one", "amd64"), ("in C", "amd64"), ("two", "amd64")]
    with Ahead(programs, wanted) as ahead:
        for program, arch in wanted:
            ahead.wait(program, arch)
            assert program == "in C" or (tmp_path / f"{program}.compiled").exists()


def test_a_failure_ahead_of_the_build_is_left_to_the_build(tmp_path):
    with Ahead(Programs(tmp_path, 'touch "$1.$2"; exit 1'), [("one", "amd64"), ("two", "amd64")]) as ahead:
        ahead.wait("two", "amd64")
    assert len(list(tmp_path.glob("*.compiled"))) == 2


def test_what_still_runs_ends_with_the_build_and_what_waits_never_begins(tmp_path):
    os.mkfifo(tmp_path / "began")
    programs = Programs(tmp_path, 'touch "$1.$2"; echo > began; exec tail -f /dev/null')
    ahead = Ahead(programs, [("one", "amd64"), ("two", "amd64")])
    with ahead:
        (tmp_path / "began").read_text()
        # Held from before the program starts until it is noted.
        with ahead._lock:
            assert len(ahead._running) == 1
    assert ahead._running == set()
    assert [path.name for path in tmp_path.glob("*.*")] == ["one.downloaded"]
