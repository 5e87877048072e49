"""Actions with a program on the host, over the local connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CANARY = "canary-a0d4"


@pytest.fixture
def task(tmp_path: Path) -> dict:
    """A task that writes a file with a secret."""
    (tmp_path / "source").mkdir()
    extra = [{"path": "key", "content": CANARY, "mode": "0644"}]
    return {
        "name": "Tree",
        "template_tree": {"src": str(tmp_path / "source"), "dest": str(tmp_path / "out"), "extra": extra},
    }


def test_the_hosts_own_interpreter_is_used(play: Callable, task: dict, tmp_path: Path):
    interpreter = tmp_path / "bin/python3"
    interpreter.parent.mkdir()
    interpreter.write_text(f'#!/bin/sh\necho "$GREETING" >{tmp_path}/used; exec /usr/bin/python3 "$@"\n')
    interpreter.chmod(0o755)
    variables = {"folder": str(tmp_path / "bin"), "ansible_python_interpreter": "{{ folder }}/python3"}

    played = play([task | {"environment": {"GREETING": "a b"}}], vars=variables)

    assert played.rc == 0, played.output
    assert (tmp_path / "used").read_text() == "a b\n"


def test_a_host_without_python_fails_and_says_how_to_name_it(play: Callable, task: dict):
    played = play([task], vars={"ansible_python_interpreter": "/nowhere/python3"})

    assert played.rc != 0
    said = " ".join(played.output.split())
    assert "/nowhere/python3: no result (exit code 127)" in said
    assert "`ansible_python_interpreter` says where it is" in said


def test_a_host_that_does_not_answer_is_unreachable(play: Callable, task: dict):
    played = play([task], connection="ssh", vars={"ansible_host": "127.0.0.1", "ansible_port": 9})

    assert "UNREACHABLE!" in played.output
    assert "unreachable=1" in played.output


@pytest.mark.parametrize("dest", ["out", "file"])
def test_what_is_not_to_be_logged_is_not_shown(play: Callable, task: dict, tmp_path: Path, dest: str):
    (tmp_path / "file").write_text("in the way")
    task["template_tree"]["dest"] = str(tmp_path / dest)

    played = play([task | {"no_log": True}], "-vvv", "--diff")

    assert (played.rc == 0) is (dest == "out"), played.output
    assert "no_log: true" in played.output
    assert CANARY not in played.output
    assert "in the way" not in played.output


def test_a_password_is_in_no_output(play: Callable, tmp_path: Path):
    layout = tmp_path / CANARY
    who = {"username": "push", "password": CANARY, "registry": "127.0.0.1:9", "ca_path": "/nowhere/ca.crt"}

    played = play([{"name": "Push", "registry_images": who | {"layout": str(layout)}}], "-vvv")

    assert played.rc != 0
    assert "is no OCI layout" in played.output
    assert CANARY not in played.output.partition("fatal:")[2]


def test_arguments_are_checked_before_the_host_is_asked(play: Callable):
    played = play([{"name": "Ask", "bundle_packages": {"packages": [], "nonsense": 1}}], "-vvv")

    assert played.rc != 0
    assert "nonsense" in played.output
    assert " EXEC " not in played.output
