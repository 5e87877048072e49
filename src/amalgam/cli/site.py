"""``amalgam site``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from amalgam.models import Fault, Site, SiteFaultsError, load_site
from amalgam.pins import load_lock
from amalgam.secrets import prepare_secrets
from amalgam.summary import roles_of

app = typer.Typer(no_args_is_help=True)

Inventory = Annotated[
    Path,
    typer.Option("--inventory", "-i", help="The site's inventory folder.", exists=True, file_okay=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
LAB = Path("inventories/lab")


@app.command()
def check(inventory: Inventory = LAB, as_json: AsJson = False) -> None:
    """Check the site's data; no host is reached.

    Exits 0 when it is good, and 1 when it has faults: each is named with file, line, key, reason and remedy.
    """
    faults: tuple[Fault, ...] = ()
    try:
        load_site(inventory)
    except SiteFaultsError as error:
        faults = error.faults
    if as_json:
        typer.echo(json.dumps({"inventory": str(inventory), "faults": [_plain(fault) for fault in faults]}, indent=1))
    elif faults:
        console = Console(highlight=False, soft_wrap=True)
        for fault in faults:
            console.print(f"{fault.place}: {fault.rule}", style="bold red", markup=False)
            console.print(f"  {fault.key}: {fault.reason}\n  remedy: {fault.remedy}", markup=False)
        console.print(f"{len(faults)} to mend in {inventory}", markup=False)
    else:
        typer.echo(f"{inventory}: no faults")
    if faults:
        raise typer.Exit(1)


@app.command()
def show(inventory: Inventory = LAB, as_json: AsJson = False) -> None:
    """Show the hosts of a site, what they are for, and the versions it will have."""
    site = load_site(inventory)
    versions = load_lock().versions()
    if as_json:
        typer.echo(json.dumps({"settings": _settings(site), "hosts": _hosts(site), "versions": versions}, indent=1))
        return
    console = Console()
    hosts = Table("host", "roles", "address", "architecture", "accelerator", title=site.settings.site_name)
    for host in _hosts(site):
        hosts.add_row(host["name"], host["roles"], host["address"], host["architecture"], host["accelerator"])
    console.print(hosts)
    settings = Table(show_header=False, box=None)
    for key, value in _settings(site).items():
        settings.add_row(key, ", ".join(value) if isinstance(value, list) else value)
    console.print(settings)
    console.print("versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())))


@app.command()
def secrets(inventory: Inventory = LAB) -> None:
    """Make the site's secrets, where there are none yet.

    They lie in the folder that site_state_dir names: secrets.yml in a vault, and the vault's password. Secrets that are
    there are never changed; those that a later version adds are added. An install does the same at its start.
    """
    site = load_site(inventory)
    prepared = prepare_secrets(site.state_dir, site.settings.site_name, harbor_robots=site.harbor_robots)
    typer.echo(f"{site.state_dir}: {'secrets made' if prepared.changed else 'secrets are there, nothing to do'}")


def _plain(fault: Fault) -> dict[str, str | int]:
    return {**asdict(fault), "file": str(fault.file)}


def _settings(site: Site) -> dict[str, Any]:
    paths = {
        "site_state_dir": site.state_dir,
        "bundle_path": site.bundle_path,
        "bundle_allowed_signers": site.bundle_allowed_signers,
    }
    plain = site.settings.model_dump(mode="json", exclude_none=True)
    return plain | {name: str(path) for name, path in paths.items()}


def _hosts(site: Site) -> list[dict[str, str]]:
    return [
        {
            "name": host.name,
            "roles": roles_of(host.name, {group: [host.name] for group in host.groups}),
            "address": str(host.address),
            "architecture": host.architecture,
            "accelerator": host.accelerator or "",
        }
        for host in site.hosts
    ]
