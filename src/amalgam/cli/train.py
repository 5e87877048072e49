"""``amalgam train``: training jobs of a virtual cluster."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from amalgam.errors import AmalgamError
from amalgam.training import jobs
from amalgam.training.cluster import Cluster
from amalgam.training.frameworks import FRAMEWORKS
from amalgam.training.parameters import read_job
from amalgam.training.render import render, variables_of
from amalgam.training.submit import check
from amalgam.training.submit import submit as submit_job

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="JOB", help="Name of the job.")]
Vc = Annotated[str, typer.Option(help="Virtual cluster. Default: the namespace of the kubeconfig's context.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML that describes the job.", dir_okay=False)],
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another value than the file's, as YAML.")
    ] = None,
    vc: Vc = "",
    manifest: Annotated[bool, typer.Option("--manifest", help="Print what would be sent; ask no cluster.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Have the cluster check it; nothing is made.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended; exit 1 where it failed.")] = False,
    as_json: Json = False,
) -> None:
    """Submit a training job: all of it, or nothing."""
    given = _given(changes or [])
    if vc:
        given["vc"] = vc
    cluster = None if manifest else Cluster()
    job = read_job(file, given, default_vc=cluster.vc if cluster else "")
    rendered = render(job)
    if FRAMEWORKS[job.framework].legacy:
        Console(stderr=True).print(
            f"{FRAMEWORKS[job.framework].title} is legacy: its own project has ended", style="yellow"
        )
    if cluster is None:
        typer.echo(rendered.text, nl=False)
        return
    if dry_run:
        check(cluster, job, rendered)
        _say(as_json, {"name": job.name, "vc": job.vc, "accepted": True}, f"{job.vc}/{job.name}: would be accepted")
        return
    submit_job(cluster, job, rendered)
    if not wait:
        _say(as_json, {"name": job.name, "vc": job.vc, "submitted": True}, f"{job.vc}/{job.name}: submitted")
        return
    ended = _await_end(cluster, job.vc, job.name)
    _say(as_json, asdict(ended), f"{job.vc}/{job.name}: {ended.state} {ended.why}".rstrip())
    if ended.state is jobs.State.FAILED:
        raise typer.Exit(1)


@app.command(name="list")
def list_jobs(vc: Vc = "", as_json: Json = False) -> None:
    """List the training jobs of a virtual cluster."""
    cluster = Cluster()
    found = jobs.find(cluster, _chosen(cluster, vc))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1))
        return
    table = Table("job", "framework", "state", "workers", "chips", "created", "why")
    for one in found:
        table.add_row(
            one.name, one.framework, one.state, f"{one.ready}/{one.workers}", _chips(one), one.created, one.why
        )
    Console(width=max(Console().width, 120)).print(table)


@app.command()
def describe(name: Name, vc: Vc = "", as_json: Json = False) -> None:
    """Show a job, its workers, and what went wrong lately."""
    cluster = Cluster()
    one = jobs.describe(cluster, _chosen(cluster, vc), name)
    if as_json:
        typer.echo(json.dumps(asdict(one), indent=1))
        return
    typer.echo(f"{one.vc}/{one.name}: {one.framework}, {one.state} {one.why}".rstrip())
    typer.echo(f"workers {one.ready}/{one.workers}, chips {_chips(one) or 'none'}, created {one.created}")
    table = Table("worker", "pod", "node", "phase", "restarts", "last exit")
    for worker in one.members:
        last = "" if worker.last_exit is None else str(worker.last_exit)
        table.add_row(str(worker.index), worker.pod, worker.node, worker.phase, str(worker.restarts), last)
    Console(width=max(Console().width, 120)).print(table)
    for event in one.events:
        typer.echo(event)


@app.command()
def logs(
    name: Name,
    worker: Annotated[int, typer.Option(min=0, help="Number of the worker.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on while it runs.")] = False,
    vc: Vc = "",
) -> None:
    """Print the output of a worker's present start; that of all starts is in the job's log folder."""
    cluster = Cluster()
    chosen = _chosen(cluster, vc)
    found = {one.index: one for one in jobs.workers(cluster, chosen, name)}
    if worker not in found:
        remedy = f"see what it is at: amalgam train describe {name} --vc {chosen}"
        raise AmalgamError(f"{name} has no worker {worker} now", where=f"VC {chosen}", remedy=remedy)
    with cluster.log(chosen, found[worker].pod, follow=follow) as pieces:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


@app.command()
def stop(name: Name, vc: Vc = "", as_json: Json = False) -> None:
    """Stop a job; its checkpoints, logs and TensorBoard's files stay."""
    cluster = Cluster()
    chosen = _chosen(cluster, vc)
    with Console(stderr=True).status(f"stopping {chosen}/{name}"):
        jobs.stop(cluster, chosen, name)
    _say(as_json, {"name": name, "vc": chosen, "stopped": True}, f"{chosen}/{name}: stopped")


@app.command()
def templates(as_json: Json = False) -> None:
    """List the frameworks, and the variables that their workers find."""
    rows = [
        {
            "framework": name,
            "title": one.title,
            "multi_node": one.multi_node,
            "legacy": one.legacy,
            "sets": variables_of(name),
        }
        for name, one in FRAMEWORKS.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("framework", "", "nodes", "sets")
    shared = set.intersection(*(set(variables_of(name)) for name in FRAMEWORKS))
    for name, one in FRAMEWORKS.items():
        own = " ".join(variable for variable in variables_of(name) if variable not in shared)
        table.add_row(name, "legacy" if one.legacy else "", "many" if one.multi_node else "one", own)
    Console(width=max(Console().width, 120)).print(table)
    typer.echo(f"All of them: {' '.join(sorted(shared))}")


def _given(changes: list[str]) -> dict[str, Any]:
    given = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise typer.BadParameter(f"{change!r} has no value: write KEY=VALUE", param_hint="--set")
        try:
            given[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise typer.BadParameter(f"{change!r} is not YAML: {error}", param_hint="--set") from error
    return given


def _chosen(cluster: Cluster, vc: str) -> str:
    chosen = vc or cluster.vc
    if not chosen:
        raise typer.BadParameter("the kubeconfig's context names no namespace: say which VC", param_hint="--vc")
    return chosen


def _await_end(cluster: Cluster, vc: str, name: str) -> jobs.Training:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("")

        def watch(now: jobs.Training) -> None:
            said = f"{vc}/{name}: {now.state}, workers {now.ready}/{now.workers} {now.why}".rstrip()
            progress.update(task, description=said)

        return jobs.await_end(cluster, vc, name, watch)


def _chips(one: jobs.Training) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in one.chips.items())


def _say(as_json: bool, data: dict[str, Any], text: str) -> None:
    typer.echo(json.dumps(data, indent=1) if as_json else text)
