"""``amalgam silence``: keep alerts silent for a while, see which are, and end it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from amalgam.cli.site import AsJson, Inventory
from amalgam.models import load_site
from amalgam.monitoring.credentials import Credentials, of_administrator
from amalgam.monitoring.silences import Alertmanager, parse_matcher

app = typer.Typer(no_args_is_help=True)

_Matchers = Annotated[
    list[str],
    typer.Argument(metavar="LABEL=VALUE...", help="All of it an alert has to match: node=gpu1, alertname=~Node.+"),
]


@app.command()
def create(
    matchers: _Matchers,
    inventory: Inventory,
    comment: Annotated[str, typer.Option(help="Why: others read it.")],
    minutes: Annotated[int, typer.Option(min=1, help="How long from now on.")] = 60,
) -> None:
    """Keep alerts silent. The same again, with the same comment, lengthens it."""
    wanted = [parse_matcher(text) for text in matchers]
    login = of_administrator(load_site(inventory))
    with _connected(login) as alertmanager:
        identifier, _ = alertmanager.silence(wanted, timedelta(minutes=minutes), comment, login.user)
    typer.echo(identifier)


@app.command(name="list")
def list_(inventory: Inventory, as_json: AsJson = False) -> None:
    """Show what is silent now, the first to end first."""
    with _connected(of_administrator(load_site(inventory))) as alertmanager:
        found = alertmanager.silences()
    if as_json:
        typer.echo(json.dumps([one.plain() for one in found], indent=1))
        return
    table = Table("until", "what", "why", "by", "identifier")
    for one in found:
        until = one.ends_at.astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(until, " ".join(map(str, one.matchers)), one.comment, one.created_by, one.id)
    Console().print(table)


@app.command()
def expire(
    identifiers: Annotated[list[str], typer.Argument(metavar="IDENTIFIER...", help="As list shows them.")],
    inventory: Inventory,
) -> None:
    """End silences now."""
    with _connected(of_administrator(load_site(inventory))) as alertmanager:
        for identifier in identifiers:
            alertmanager.expire(identifier)


def _connected(login: Credentials) -> Alertmanager:
    return Alertmanager(login.url, login.account)
