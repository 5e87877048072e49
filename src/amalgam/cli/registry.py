"""``amalgam registry``: what Harbor has beside what the site declares."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from amalgam.cli.site import AsJson, Inventory
from amalgam.errors import AmalgamError
from amalgam.harbor.reconcile import Action, Change, lines
from amalgam.harbor.site import connect
from amalgam.models import load_site
from amalgam.secrets import keep_registry_secret

app = typer.Typer(no_args_is_help=True)

DRIFT = 2
"""Exit code where Harbor is not as declared."""

Address = Annotated[
    str, typer.Option(help="HOST:PORT to ask Harbor at, where the registry's host is reached otherwise.")
]


@app.command()
def drift(inventory: Inventory, address: Address = "", as_json: AsJson = False) -> None:
    """Show what is not as declared, field by field: what Harbor has -> what the site says. Nothing is changed.

    Exits 0 when all is as declared, 2 when something is not, 1 when Harbor cannot be asked.
    """
    site = load_site(inventory)
    if site.harbor is None:
        note = "the registry is the embedded one: ansible-playbook --check --diff --tags registry compares its files"
        typer.echo(json.dumps({"backend": "distribution", "drift": []}) if as_json else note)
        return
    client, reconciler = connect(site, address, write=False)
    with client:
        changes = reconciler.plan()
    if as_json:
        typer.echo(json.dumps({"backend": "harbor", "drift": [change.plain() for change in changes]}, indent=1))
    else:
        _print(changes)
    if changes:
        raise typer.Exit(DRIFT)


@app.command()
def apply(inventory: Inventory, address: Address = "") -> None:
    """Make Harbor as declared. What nobody declares is shown and stays, unless harbor_absent names it."""
    client, reconciler = connect(load_site(inventory), address, write=True)
    with client:
        changes = reconciler.plan()
        wanted = sum(change.action is not Action.KEEP for change in changes)
        console, made = Console(stderr=True, highlight=False, soft_wrap=True), 0

        def done(change: Change) -> None:
            nonlocal made
            made += 1
            console.print(f"{made}/{wanted}  {change.action}  {change.label}", markup=False)

        reconciler.apply(changes, done)
    _print([change for change in changes if change.action is Action.KEEP])


@app.command()
def credential(
    endpoint: Annotated[str, typer.Argument(help="Name of one of harbor_registries.")],
    inventory: Inventory,
) -> None:
    """Keep the secret of the account at an endpoint among the site's secrets: asked for, or read from a pipe."""
    site = load_site(inventory)
    known = [one.name for one in site.harbor.registries if one.access_key] if site.harbor else []
    if endpoint not in known:
        remedy = f"there are: {', '.join(known) or 'none'}; an endpoint with an account has an access_key"
        raise AmalgamError(f"no endpoint with an account is named {endpoint}", where=str(inventory), remedy=remedy)
    stdin = typer.get_text_stream("stdin")
    secret = typer.prompt("Secret", hide_input=True) if stdin.isatty() else stdin.read().strip()
    if not secret:
        raise AmalgamError("the secret is empty", where=endpoint, remedy="give it on standard input")
    keep_registry_secret(site.state_dir, site.settings.site_name, endpoint, secret)
    typer.echo(f"{site.state_dir}: the secret for {endpoint} is kept; the next run gives it to Harbor")


def _print(changes: list[Change]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for line in lines(changes):
        console.print(line, markup=False)
