"""Every command that the repository names exists: targets of make, and commands of ``amalgam`` with their options.

Seen in most peers: documentation that tells to run a target nobody has, and CI that runs another one than developers
do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer

from amalgam.cli import app
from tests.contract.repository import files, text
from tests.contract.test_named_paths import prose

# A command stands in backticks, in brackets, after a prompt, or at the start of an indented line.
_START = r"(?:`|\(|^\s*\$ |^\s{2,}|^)"
_MAKE = re.compile(_START + r"make (?:[A-Z]+=\S+ )*([a-z][a-z-]*)(?=[`)\s]*(?:$|[`),;:#]))", re.MULTILINE)
_AMALGAM = re.compile(_START + r"(?:\.venv/bin/)?amalgam ([a-z][^`\n)|;&#]*)", re.MULTILINE)
_IN_MAKEFILE = re.compile(r"\$\(AMALGAM\) ([^;&|\n]*)")


def _read_by_people() -> list[Path]:
    return [
        file for file in files() if file.parts[0] != "tests" and file.suffix in (".md", ".sh", ".py", ".yml", ".j2", "")
    ]


@cache
def _targets() -> dict[str, str]:
    """Targets of the Makefile, with the sentence that ``make help`` shows."""
    return dict(re.findall(r"^([a-z-]+):[^#\n]*(?:## (.*))?$", text(Path("Makefile")), re.MULTILINE))


def _refused(line: str) -> str:
    """Why the command line would not be understood, or nothing."""
    command: Any = typer.main.get_command(app)
    for word in line.partition(" -- ")[0].split():
        if hasattr(command, "commands"):
            name = word.rstrip(",.:]'\"")
            if not re.fullmatch("[a-z-]+", name):
                return ""
            if name not in command.commands:
                return f"no command {name!r}"
            command = command.commands[name]
            if name != word:  # the sentence goes on
                return ""
        elif word.startswith("--"):
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            if word.partition("=")[0] not in known | {"--help"}:
                return f"no option {word!r}"
    return ""


def _commands() -> Iterator[tuple[str, str]]:
    for file in _read_by_people():
        yield from ((str(file), line) for line in _AMALGAM.findall(prose(file)))
    yield from (("Makefile", line) for line in _IN_MAKEFILE.findall(text(Path("Makefile"))))


def test_every_make_target_that_is_named_exists() -> None:
    named = {(str(file), target) for file in _read_by_people() for target in _MAKE.findall(prose(file))}
    assert {("README.md", "lab"), (".ci/run", "test")} <= named
    assert sorted((file, target) for file, target in named if target not in _targets()) == []


def test_help_lists_every_target() -> None:
    assert {"lab", "lab-down", "test"} <= set(_targets())
    assert [target for target, sentence in _targets().items() if not sentence] == []


def test_every_command_of_ours_that_is_named_exists() -> None:
    named = list(_commands())
    assert len(named) > 5
    assert [f"{file}: amalgam {line}: {why}" for file, line in named if (why := _refused(line))] == []


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "make test" in _lines("README.md") & _lines(".ci/run")


def _lines(file: str) -> set[str]:
    return {line.partition(" #")[0].strip() for line in text(Path(file)).splitlines()}


def test_a_command_that_does_not_exist_is_seen() -> None:
    assert _refused("nowhere") == "no command 'nowhere'"
    assert _refused("lab nowhere")
    assert _refused("lab up --nowhere")
    assert not _refused("lab up")
