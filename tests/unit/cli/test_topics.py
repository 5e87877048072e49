"""The command's topics, each a module that is imported when it is called."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from amalgam.cli import TOPICS, app


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_says_what_it_is_for(topic: str) -> None:
    shown = CliRunner().invoke(app, [topic, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f"Usage: root {topic} " in shown.output
    assert TOPICS[topic] in " ".join(shown.output.split())


def test_all_topics_are_listed() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output
    assert [topic for topic in TOPICS if f"│ {topic} " not in listed] == []


def test_a_name_nearly_right_is_answered_with_the_right_one() -> None:
    assert "Did you mean 'dataset'?" in CliRunner().invoke(app, ["datasets"]).output


def test_what_a_call_does_not_need_is_not_imported() -> None:
    program = (
        "import sys; from amalgam.cli import app; app(['lock', '--help'], standalone_mode=False); "
        "print(sorted(name for name in sys.modules if name.startswith('amalgam.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['amalgam.cli.lock']"
