"""``amalgam top``: how hosts, VCs and chips are this minute."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from amalgam.cli.watching import AsJson, File, Inventory, own_credentials, trouble_is_told
from amalgam.errors import AmalgamError
from amalgam.monitoring.prometheus import Prometheus
from amalgam.top.keys import waiting
from amalgam.top.snapshot import View, take
from amalgam.top.tables import shown

_WIDTH = 140
"""That all columns have room, where it is no terminal that is printed to."""


def top(
    nodes: Annotated[bool, typer.Option("--nodes", help="Show hosts.")] = False,
    vcs: Annotated[bool, typer.Option("--vcs", help="Show virtual clusters.")] = False,
    chips: Annotated[bool, typer.Option("--chips", help="Show each chip.")] = False,
    interval: Annotated[float, typer.Option(min=1.0, help="Seconds until it is asked for anew.")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Print it once, and end.")] = False,
    inventory: Inventory = None,
    credentials: File = None,
    as_json: AsJson = False,
) -> None:
    """Show hosts, VCs and chips, live until q or Ctrl-C; all three where none is named.

    Where nobody looks (no terminal, or --json) it is printed once. Exits 2 where Prometheus cannot be asked.
    """
    chosen = [view for view, wanted in zip(View, (nodes, vcs, chips), strict=True) if wanted]
    views = chosen or list(View)
    console = Console()
    with trouble_is_told(), Prometheus(own_credentials(inventory, credentials)) as prometheus:
        if as_json:
            typer.echo(json.dumps(take(prometheus, views, now=time.time()).facts(views), indent=1))
        elif once or not console.is_terminal:
            wide = Console(width=max(console.width, _WIDTH))
            wide.print(shown(take(prometheus, views, now=time.time()), views))
        else:
            _live(console, prometheus, views, interval)


def _live(console: Console, prometheus: Prometheus, views: Sequence[View], interval: float) -> None:
    """Ask again and again. Only the first time has to succeed: later ones say what is wrong, and go on."""
    snapshot, note = take(prometheus, views, now=time.time()), "q ends"
    try:
        with waiting() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(shown(snapshot, views, note=note), refresh=True)
                if pressed(interval):
                    return
                try:
                    snapshot, note = take(prometheus, views, now=time.time()), "q ends"
                except AmalgamError as error:
                    note = error.what
    except KeyboardInterrupt:
        return
