"""The ``amalgam`` command: one sub-command a topic, each in a module of its own."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from amalgam.cli import (
    bundle,
    capacity,
    dataset,
    image,
    lab,
    lock,
    logs,
    monitoring,
    platform,
    pulumi,
    registry,
    silence,
    site,
    tenant,
    top,
    train,
    volume,
)
from amalgam.errors import AmalgamError

app = typer.Typer(help="Bare servers into one AI platform.", no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(lock.app, name="lock", help="Write and check the lock of every artifact.")
app.add_typer(bundle.app, name="bundle", help="Build, verify and list the folder that is carried to a site.")
app.add_typer(site.app, name="site", help="Check a site's data, make its secrets.")
app.add_typer(dataset.app, name="dataset", help="Versioned data in the site's object store.")
app.add_typer(image.app, name="image", help="Bring images into a site's registry, list, copy and delete them.")
app.add_typer(registry.app, name="registry", help="Compare a site's Harbor with what the site declares.")
app.add_typer(train.app, name="train", help="Training jobs: submit, list, watch and stop them.")
app.add_typer(volume.app, name="volume", help="Snapshots of pods' volumes, and restores from them.")
app.add_typer(tenant.app, name="tenant", help="Who shares the platform, and what each uses of it.")
app.command(name="logs")(logs.logs)
app.command(name="top")(top.top)
app.add_typer(monitoring.app, name="monitoring", help="Who looks at a site's dashboards and logs.")
app.add_typer(silence.app, name="silence", help="Keep alerts silent for a while.")
app.add_typer(capacity.app, name="capacity", help="How full the site is, and when what runs out.")
app.add_typer(platform.app, name="platform", help="Bring up what Pulumi declares, look at it, take it away.")
app.add_typer(pulumi.app, name="pulumi", help="Put Pulumi in place for the site's programs.")
app.add_typer(lab.app, name="lab", help="Bring a reference topology up on this machine.")


def main() -> None:
    """Run the command line; an :class:`AmalgamError` is printed for people and exits 1."""
    try:
        app()
    except AmalgamError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
