"""``amalgam monitoring``: who looks at a site's dashboards and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amalgam.models import load_site
from amalgam.monitoring.credentials import of_user

app = typer.Typer(no_args_is_help=True)


@app.callback()
def monitoring() -> None:
    """Let one command be named as one of several."""


@app.command()
def credentials(
    inventory: Annotated[Path, typer.Option("--inventory", "-i", exists=True, file_okay=False, help="The site.")],
    user: Annotated[str, typer.Option(help="A member of a VC, or an administrator.")],
    output: Annotated[Path, typer.Option(help="File to write, for the user's eyes only.")],
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a new password; it holds after the next site run.")
    ] = False,
) -> None:
    """Write the file with which a user looks at dashboards and logs."""
    made = of_user(load_site(inventory), user, renew=renew)
    made.save(output)
    typer.echo(f"{output}: credentials of {user} at {made.url}")
    if renew:
        typer.echo("the new password holds once `ansible-playbook playbooks/site.yml --tags monitoring` has run")
