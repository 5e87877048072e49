"""``amalgam pulumi``: what ``pulumi up`` needs on this machine."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from amalgam.models import load_site
from amalgam.pulumi_home import default_home, set_up

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _topic() -> None:
    """Run the site's Pulumi programs."""


@app.command()
def setup(
    inventory: Annotated[
        Path, typer.Option("--inventory", "-i", exists=True, file_okay=False, help="The site's inventory folder.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Put Pulumi's engine in place and print its shell variables: `eval "$(amalgam pulumi setup -i INVENTORY)"`.

    It lies in $PULUMI_HOME, else in the user's cache; state and passphrase lie with the site's secrets.
    """
    found = set_up(load_site(inventory), default_home())
    console = Console(stderr=True)
    if found.engine_is_official:
        console.print("engine: as it was found, not the bundle's", highlight=False)
    for what, official in (
        ("language host", found.language_host_is_official),
        ("Kubernetes plugin", found.plugin_is_official),
    ):
        whose = "the official one, as it was found" if official else "this project's"
        console.print(f"{what}: {whose}", highlight=False)
    variables = found.environment()
    if as_json:
        typer.echo(json.dumps(variables))
        return
    for name, value in variables.items():
        quoted = shlex.quote(value)
        typer.echo(f'export PATH={quoted}:"$PATH"' if name == "PATH" else f"export {name}={quoted}")
