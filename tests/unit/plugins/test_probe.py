"""probe on this machine, over the local connection."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def _asked(play: Callable, *options: str, environment: dict | None = None, **arguments: object):
    task = {"name": "Ask", "probe": arguments, "register": "said", "environment": environment or {}}
    return play(
        [task, {"name": "Show", "ansible.builtin.debug": {"msg": "[{{ said.stdout }}] [{{ said.stderr }}]"}}], *options
    )


@pytest.mark.parametrize("options", [(), ("--check",)], ids=["a real run", "check mode"])
def test_it_tells_what_the_command_said_and_reports_no_change(play, options):
    played = _asked(play, *options, cmd="echo $((40 + 2))\necho beside >&2\n")

    assert played.rc == 0, played.output
    assert "[42] [beside]" in played.output
    assert played.changed == 0


def test_words_of_a_list_are_no_shell(play):
    played = _asked(play, argv=["printf", "%s,", "$HOME", "a b", "$(id)"])

    assert "[$HOME,a b,$(id),]" in played.output, played.output


def test_input_and_environment_reach_the_command(play):
    played = _asked(
        play, cmd='read -r line; echo "$line $KUBECONFIG"', stdin="secret\n", environment={"KUBECONFIG": "/x y"}
    )

    assert "[secret /x y]" in played.output, played.output


def test_a_command_that_fails_fails_the_task_and_shows_why(play):
    played = _asked(play, cmd="echo because >&2; exit 7")

    assert played.rc != 0
    assert "because" in played.output
    assert "rc: 7" in played.output


@pytest.mark.parametrize("arguments", [{}, {"argv": []}, {"cmd": "true", "argv": ["true"]}], ids=str)
def test_there_is_one_command(play, arguments):
    assert _asked(play, **arguments).rc != 0
