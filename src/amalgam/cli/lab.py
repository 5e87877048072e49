"""``amalgam lab``: bring a site's nodes up on this machine, look at them, take them down."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from amalgam.lab import ssh, updown
from amalgam.lab.bundle import link_bundle
from amalgam.lab.environment import environment
from amalgam.lab.kubeconfig import write_kubeconfig
from amalgam.lab.names import Names
from amalgam.lab.progress import Progress
from amalgam.lab.state import require
from amalgam.lab.status import status as facts_of
from amalgam.lab.status import tables
from amalgam.work_log import closing

app = typer.Typer(no_args_is_help=True)

Nodes = Annotated[list[str], typer.Argument(metavar="NODE...", help="Names of nodes in the inventory.")]
Inventory = Annotated[
    Path,
    typer.Option("--inventory", "-i", exists=True, file_okay=False, help="Folder of an inventory with lab settings."),
]


def _progress() -> Progress:
    return Progress(Console(stderr=True))


@app.command()
def bundle(inventory: Inventory) -> None:
    """Build the bundle that an inventory's hosts need and link it to where the lab looks for it."""
    link_bundle(Names.of_checkout(), inventory, Console(stderr=True))


@app.command()
def kubeconfig() -> None:
    """Write .lab/kubeconfig, which reaches the lab's cluster from this machine."""
    typer.echo(str(write_kubeconfig(Names.of_checkout())))


@app.command()
def up(inventory: Inventory) -> None:
    """Bring up the nodes of an inventory; those that are up stay as they are."""
    names = Names.of_checkout()
    updown.up(names, inventory, _progress())
    _print_tables(names)


@app.command()
def down() -> None:
    """Stop the nodes and remove all that the lab has put on this machine."""
    updown.down(Names.of_checkout(), _progress())


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False) -> None:
    """Show nodes, the addresses to open, and what nodes tried to send outside."""
    names = Names.of_checkout()
    if as_json:
        typer.echo(json.dumps(facts_of(names), indent=1))
    else:
        _print_tables(names)
        if done := closing():
            typer.echo(done)


@app.command()
def env() -> None:
    """Print shell variables that let programs of this machine reach the site's names: `eval "$(amalgam lab env)"`."""
    for name, value in environment(Names.of_checkout()).items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command(name="ssh")
def ssh_command(
    node: Annotated[str, typer.Argument(help="Name of the node.")],
    command: Annotated[
        list[str] | None, typer.Argument(help="What to run there, after --; nothing opens a shell.")
    ] = None,
) -> None:
    """Log in to a node as root, or run a command there."""
    names = Names.of_checkout()
    require(names).node(node)
    ssh.replace_process(names, node, command or [])


@app.command()
def start(nodes: Nodes) -> None:
    """Start stopped nodes from the disks they have."""
    updown.start(Names.of_checkout(), nodes, _progress())


@app.command()
def stop(nodes: Nodes) -> None:
    """Shut nodes down; their disks stay."""
    updown.stop(Names.of_checkout(), nodes, _progress())


@app.command()
def recreate(nodes: Nodes) -> None:
    """Give nodes fresh disks: bare servers again, with the same names, addresses and host keys."""
    updown.recreate(Names.of_checkout(), nodes, _progress())


def _print_tables(names: Names) -> None:
    # Addresses are to be copied: never cut them, however narrow the pipe or the terminal.
    console = Console(width=max(Console().width, 120))
    facts = facts_of(names)
    for table in tables(facts):
        console.print(table)
    if "egress" in facts:
        packets = facts["egress"]["packets"]
        console.print(f"Packets that nodes sent to addresses outside, all dropped: {packets}", highlight=False)
