"""``amalgam volume``: snapshots of pods' volumes, and restores from them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from amalgam.volumes.kubectl import Kubectl
from amalgam.volumes.provisioner import provisioner_of
from amalgam.volumes.restore import Step, quantity

app = typer.Typer(no_args_is_help=True)
snapshot = typer.Typer(no_args_is_help=True)
app.add_typer(snapshot, name="snapshot", help="Volumes as they were at one moment.")

Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the claim.")]
Claim = Annotated[str, typer.Argument(help="Name of the claim.")]
Name = Annotated[str, typer.Argument(help="Name of the snapshot.")]


@snapshot.command()
def create(namespace: Namespace, claim: Claim, name: Name) -> None:
    """Keep a volume as it is now; it costs no space until the volume changes."""
    provisioner_of(Kubectl()).create(namespace, claim, name)
    typer.echo(f"{namespace}/{claim}: snapshot {name} made")


@snapshot.command(name="list")
def list_snapshots(
    claim: Annotated[str, typer.Argument(help="Name of the claim; of all when none is given.")] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace; all when none is given.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
) -> None:
    """List snapshots, those of claims that are gone among them."""
    found = provisioner_of(Kubectl()).find(namespace, claim)
    if as_json:
        rows = [asdict(one) | {"created": one.created.isoformat()} for one in found]
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("namespace", "claim", "snapshot", "created", "volume", "class", "")
    for one in found:
        created = one.created.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        gone = "" if one.alive else "claim is gone"
        table.add_row(one.namespace, one.claim, one.name, created, quantity(one.quota), one.storage_class, gone)
    Console(width=max(Console().width, 120)).print(table)


@snapshot.command()
def delete(namespace: Namespace, claim: Claim, name: Name) -> None:
    """Delete a snapshot."""
    provisioner_of(Kubectl()).delete(namespace, claim, name)
    typer.echo(f"{namespace}/{claim}: snapshot {name} deleted")


@app.command()
def restore(
    namespace: Namespace,
    source: Annotated[str, typer.Option("--snapshot", metavar="CLAIM/SNAPSHOT", help="What to restore.")],
    claim: Annotated[str, typer.Option("--claim", help="Name of the new claim.")],
) -> None:
    """Restore a snapshot into a new claim; one that was cut off is finished by the same command.

    Until all is copied and compared the claim is Pending. To give up instead: kubectl delete pvc.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)

        def watch(step: Step, done: int, total: int | None) -> None:
            progress.update(task, description=step, completed=done, total=total)

        provisioner_of(Kubectl()).restore(namespace, source, claim, watch)
    typer.echo(f"{namespace}/{claim}: restored from {source}")
