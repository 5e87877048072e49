"""``amalgam capacity``: what the platform uses of what it has, and when it will not suffice any more."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from amalgam.capacity.page import page
from amalgam.capacity.report import Report, make_report
from amalgam.capacity.tables import tables
from amalgam.cli.watching import AsJson, File, Inventory, own_credentials, trouble_is_told
from amalgam.errors import AmalgamError
from amalgam.monitoring.prometheus import Prometheus

_WIDTH = 130
"""That all columns have room, where it is no terminal that is printed to."""
RUNS_OUT = 1
"""Exit code where something is full, or will be soon."""

app = typer.Typer(no_args_is_help=True)


@app.callback()
def capacity() -> None:
    """Let one command be named as one of several."""


@app.command()
def report(
    days: Annotated[int, typer.Option(min=1, help="How far back to look.")] = 30,
    warn_days: Annotated[int, typer.Option(min=0, help="What runs out within so many days is told by the end.")] = 30,
    html: Annotated[Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write a page with plots.")] = None,
    inventory: Inventory = None,
    credentials: File = None,
    as_json: AsJson = False,
) -> None:
    """Show how full the cluster, each VC and each host is, and the day on which each thing runs out.

    Exits 0 when all is well, 1 when something is full or runs out within --warn-days, 2 when that cannot be told.
    """
    with trouble_is_told():
        own = own_credentials(inventory, credentials)
        with Prometheus(own) as prometheus:
            made = make_report(prometheus, days=days, now=time.time())
        if html:
            site = httpx.URL(own.url).host.removeprefix("monitoring.")
            _write(html, page(made, site=site, warn_days=warn_days))
    if as_json:
        typer.echo(json.dumps(made.facts(warn_days), indent=1))
    else:
        _print(made, warn_days, html)
    if made.pressing(warn_days):
        raise typer.Exit(RUNS_OUT)


def _print(made: Report, warn_days: int, html: Path | None) -> None:
    console = Console(width=max(Console().width, _WIDTH), highlight=False)
    for table in tables(made):
        console.print(table)
    pressing = len(made.pressing(warn_days))
    console.print(f"full, or within {warn_days} days: {pressing or 'nothing'}", style="bold red" if pressing else "")
    if made.silent:
        console.print(f"nothing is known now of: {', '.join(made.silent)}", style="bold red", markup=False)
    if html:
        console.print(f"{html}: the same with plots", markup=False)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AmalgamError(
            f"the page cannot be written: {error.strerror}", where=str(file), remedy="name another file"
        ) from error
