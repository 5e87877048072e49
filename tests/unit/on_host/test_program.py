"""How a program's result gets out, its failures too."""

from __future__ import annotations

import json

import pytest

from amalgam.on_host import commands
from amalgam.on_host.program import HostError, Request, answer


def told(program) -> dict:
    return json.loads(answer(program, Request({"name": "x"}, check_mode=True, diff=False)))


def test_a_program_is_given_what_was_asked():
    assert told(lambda request: {"changed": request.check_mode, "name": request.params["name"]}) == {
        "changed": True,
        "name": "x",
    }


@pytest.mark.parametrize("error", [HostError("no; do this"), OSError(28, "No space left on device", "/srv/x")])
def test_what_a_person_can_act_on_is_the_message(error):
    def fails(_: Request) -> dict:
        raise error

    assert told(fails) == {"failed": True, "msg": str(error)}


@pytest.mark.parametrize("program", [lambda request: request.params["missing"], lambda _: {"changed": {1, 2}}])
def test_a_fault_of_the_program_comes_back_with_its_traceback(program):
    result = told(program)
    assert result["failed"]
    assert "Traceback (most recent call last)" in result["msg"]
    assert "Error: " in result["msg"]


def test_a_command_that_is_missing_is_named():
    with pytest.raises(HostError, match=r"`no-such-program -c` failed: .*; install no-such-program on this host first"):
        commands.run(["no-such-program", "-c"])


def test_a_command_says_why_it_failed():
    ran = commands.run(["sh", "-c", 'echo out; [ -z "$WHY" ] || echo "$WHY" >&2; exit 3'], WHY="because")
    assert (ran.rc, ran.said) == (3, "because")
    assert commands.run(["sh", "-c", "echo out; exit 3"]).said == "out"
    assert commands.run(["sh", "-c", "exit 3"]).said == "exit code 3"
