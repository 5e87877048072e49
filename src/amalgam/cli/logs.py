"""``amalgam logs``: search what containers, hosts, the API server and the cluster's events say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from amalgam.cli.watching import AsJson, File, Inventory, own_credentials, trouble_is_told
from amalgam.errors import AmalgamError
from amalgam.logs.query import SOURCES, Search
from amalgam.logs.show import shown
from amalgam.logs.store import Line, LogStore
from amalgam.logs.times import moment

NOTHING_FOUND = 1
"""Exit code, as grep has it; trouble is 2 there, too."""


def logs(
    text: Annotated[
        str, typer.Argument(metavar="[TEXT]", help="What a line's message or error has in it; else every line.")
    ] = "",
    logsql: Annotated[str, typer.Option(metavar="QUERY", help="A query in LogsQL, pipes included.")] = "",
    node: Annotated[str, typer.Option(help="Name of a host.")] = "",
    vc: Annotated[str, typer.Option(help="A VC, or with --inventory any namespace.")] = "",
    pod: Annotated[str, typer.Option(metavar="NAME[*]", help="A pod, or all whose names begin so.")] = "",
    unit: Annotated[str, typer.Option(metavar="NAME[.service]", help="A unit of systemd.")] = "",
    source: Annotated[str, typer.Option(help=f"One of {', '.join(SOURCES)}.")] = "",
    since: Annotated[str, typer.Option(help="15m, 2h, 3d ago, or a date and time.")] = "1h",
    until: Annotated[str, typer.Option(help="The same; else now.")] = "0s",
    limit: Annotated[int, typer.Option(min=1, help="Lines at the most: the last ones.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines as they come.")] = False,
    inventory: Inventory = None,
    credentials: File = None,
    as_json: AsJson = False,
) -> None:
    """Search the logs. Members of a VC name it with --vc, and see what is its own.

    Exits 0 when a line was found, 1 when none was, 2 when the search went wrong.
    """
    with trouble_is_told():
        if source and source not in SOURCES:
            raise AmalgamError("there are no such lines", where=source, remedy=f"name one of: {', '.join(SOURCES)}")
        # The site's own user sees every namespace, those that are no VC, too: there is no web page for each.
        confined = "" if inventory else vc
        search = Search(text, logsql, node, vc if inventory else "", pod, unit, source)
        now = datetime.now(UTC)
        start, end = moment(since, now), moment(until, now)
        try:
            with LogStore(own_credentials(inventory, credentials), confined) as store:
                if follow:
                    found = store.tail(search, seconds=max(0, int((now - start).total_seconds())))
                else:
                    found = iter(store.search(search, since=start, until=end, limit=limit))
                seen = _print(found, as_json=as_json)
        except KeyboardInterrupt:
            return
    if not seen:
        raise typer.Exit(NOTHING_FOUND)


def _print(lines: Iterable[Line], *, as_json: bool) -> int:
    console, count = Console(highlight=False, soft_wrap=True), 0
    for line in lines:
        count += 1
        if as_json:
            typer.echo(json.dumps(line, ensure_ascii=False, sort_keys=True))
        else:
            console.print(shown(line))
        sys.stdout.flush()
    return count
