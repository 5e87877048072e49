"""``amalgam lock``."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from amalgam.bundle.lock import check_lock, update_lock
from amalgam.paths import cache_dir, project_root

app = typer.Typer(no_args_is_help=True)


@app.command()
def update() -> None:
    """Solve every pin of versions/components.yml anew and write versions/lock.yml. Needs the package registries."""
    console = Console(stderr=True)
    lock = update_lock(project_root(), cache_dir(), lambda text: console.print(text, highlight=False))
    console.print(f"versions/lock.yml written, digest {lock.digest()[:12]}", highlight=False)


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print the digest and versions as JSON.")] = False,
) -> None:
    """Prove that versions/lock.yml is current. Needs no network."""
    lock = check_lock(project_root())
    if as_json:
        typer.echo(json.dumps({"digest": lock.digest(), "versions": lock.versions()}))
    else:
        typer.echo(f"versions/lock.yml is current, digest {lock.digest()[:12]}")
