"""What commands have in common that look at a site's monitoring: who asks, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from amalgam.errors import AmalgamError
from amalgam.models import load_site
from amalgam.monitoring.credentials import Credentials, of_administrator

TROUBLE = 2
"""Exit code where nothing can be said."""

Inventory = Annotated[
    Path | None,
    typer.Option("--inventory", "-i", exists=True, file_okay=False, help="Look as the site's own user."),
]
File = Annotated[
    Path | None,
    typer.Option("--credentials", help=f"Your credentials, else ${Credentials.variable}, else your own file."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def own_credentials(inventory: Path | None, file: Path | None) -> Credentials:
    """The site's own user's where an inventory is named, else those of whoever calls.

    Raises:
        AmalgamError: there are none.
    """
    return of_administrator(load_site(inventory)) if inventory else Credentials.load(file)


@contextmanager
def trouble_is_told() -> Iterator[None]:
    """What goes wrong is printed for people, and ends the command with :data:`TROUBLE`."""
    try:
        yield
    except AmalgamError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(TROUBLE) from None
