"""The ``amalgam`` command: one sub-command a topic, each in a module of its own that is imported when it is called."""

from __future__ import annotations

import sys
from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_group

from amalgam.errors import AmalgamError

TOPICS = {
    "lock": "Write and check the lock of every artifact.",
    "bundle": "Build, verify and list the folder that is carried to a site.",
    "site": "Check a site's data, make its secrets.",
    "dataset": "Versioned data in the site's object store.",
    "image": "Bring images into a site's registry, list, copy and delete them.",
    "registry": "Compare a site's Harbor with what the site declares.",
    "train": "Training jobs: submit, list, watch and stop them.",
    "volume": "Snapshots of pods' volumes, and restores from them.",
    "tenant": "Who shares the platform, and what each uses of it.",
    "logs": "",
    "top": "",
    "monitoring": "Who looks at a site's dashboards and logs.",
    "silence": "Keep alerts silent for a while.",
    "capacity": "How full the site is, and when what runs out.",
    "platform": "Bring up what Pulumi declares, look at it, take it away.",
    "pulumi": "Put Pulumi in place for the site's programs.",
    "lab": "Bring a reference topology up on this machine.",
}
"""Module of this package -> what it is for; a module that is one command says so itself."""


class _Topics(UserDict[str, Any]):
    """Commands by the names of their topics. All of them take a second to import, one a fraction of it."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - Typer's own types are private
        purpose = self.data[name]
        module = import_module(f"{__name__}.{name}")
        holder = typer.Typer(add_completion=False)
        if hasattr(module, "app"):
            holder.add_typer(module.app, name=name, help=purpose)
        else:
            holder.command(name)(getattr(module, name))
        return get_group(holder).commands[name]


class _Group(TyperGroup):
    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as above
        super().__init__(**settings)
        self.commands = _Topics(TOPICS)


app = typer.Typer(cls=_Group, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _amalgam() -> None:
    """Bare servers into one AI platform."""


def main() -> None:
    """Run the command line; an :class:`AmalgamError` is printed for people and exits 1."""
    try:
        app()
    except AmalgamError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
