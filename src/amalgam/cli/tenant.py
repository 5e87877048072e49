"""``amalgam tenant``: who shares the platform, what each may use, and what is used of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from amalgam.errors import AmalgamError
from amalgam.models import load_site
from amalgam.models.tenants import Flow
from amalgam.private_file import write_private
from amalgam.tenants.kubeconfig import kubeconfig as text_for
from amalgam.tenants.kubeconfig import sign_by_cluster
from amalgam.tenants.live import LiveVc, read_live
from amalgam.tenants.quotas import Account, accounts
from amalgam.tenants.resources import KINDS, Kind, quantities, quantity
from amalgam.tenants.vcs import Tenancy, tenancies

app = typer.Typer(no_args_is_help=True)

Inventory = Annotated[
    Path, typer.Option("--inventory", "-i", exists=True, file_okay=False, help="The site's inventory folder.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
LAB = Path("inventories/lab")


@app.command(name="list")
def list_tenants(inventory: Inventory = LAB, as_json: AsJson = False) -> None:
    """List organisations, groups and VCs.

    Of an organisation or group: what it granted of what it has. Of a VC: what it uses of what it may use, where a
    kubeconfig leads to the cluster.
    """
    site, live = load_site(inventory), _live()
    vcs = {f"{one.path}/{one.name}" for one in tenancies(site.tenants)}
    found = [account for organisation in site.tenants.organisations for account in accounts(organisation.node())]
    if as_json:
        typer.echo(json.dumps([_facts(account, account.path in vcs, live) for account in found], indent=1))
        return
    table = Table("", *KINDS)
    for account in found:
        is_vc = account.path in vcs
        taken = _used(account.node.name, live) if is_vc else account.granted
        name = "  " * account.path.count("/") + account.node.name
        table.add_row(name, *(_of(taken, account.effective, kind) for kind in KINDS), style="" if is_vc else "dim")
    Console(width=max(Console().width, 120)).print(table)


@app.command()
def show(
    vc: Annotated[str, typer.Argument(metavar="VC", help="Name of the virtual cluster.")],
    inventory: Inventory = LAB,
    as_json: AsJson = False,
) -> None:
    """Show a VC: its quota with loans and use, and its members, caps, priorities, storage and flows."""
    site = load_site(inventory)
    found = {one.name: one for one in tenancies(site.tenants)}
    if vc not in found:
        names = ", ".join(sorted(found)) or "none"
        raise AmalgamError(f"no VC is named {vc}", where=str(inventory), remedy=f"there are: {names}")
    one, live = found[vc], _live()
    if as_json:
        typer.echo(json.dumps(_everything(one, live), indent=1))
        return
    console = Console(width=max(Console().width, 120))
    used = _used(vc, live)
    table = Table("", "quota", "lent or borrowed", "may use", "used", title=f"{one.path}/{vc}")
    for kind in KINDS:
        own, effective = one.vc.quota.amounts().get(kind, 0), one.effective[kind]
        sign = "" if own == effective else "-" if effective < own else "+"
        moved = f"{sign}{quantity(kind, abs(effective - own))}" if sign else ""
        table.add_row(kind, quantity(kind, own), moved, quantity(kind, effective), _text(used, kind))
    console.print(table)
    for title, lines in _sections(one).items():
        console.print(f"{title}: {'; '.join(lines) or 'none'}", markup=False, highlight=False)


@app.command()
def kubeconfig(
    user: Annotated[str, typer.Argument(metavar="USER", help="A member of a virtual cluster.")],
    inventory: Inventory,
    output: Annotated[Path, typer.Option(help="File to write, for the user's eyes only.")],
    vc: Annotated[str, typer.Option(help="The VC that it begins in; without it, the user's first.")] = "",
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it holds.")] = 90,
) -> None:
    """Write the file with which a member reaches the cluster, as their roles allow."""
    site = load_site(inventory)
    own = [one.name for one in tenancies(site.tenants) if user in dict(one.members)]
    if not own or (vc and vc not in own):
        remedy = f"{user} is a member of: {', '.join(own) or 'none'}; see `amalgam tenant list`"
        raise AmalgamError(f"{user} is no member of {vc or 'a VC'}", where=str(inventory), remedy=remedy)
    given = os.environ.get("KUBECONFIG", "").partition(os.pathsep)[0]
    administrators = Path(given) if given else site.state_dir / "kubeconfig"
    write_private(output, text_for(administrators, user, vc or own[0], days, sign_by_cluster(administrators)))
    typer.echo(f"{output}: kubeconfig of {user}, in {vc or own[0]}, for {days} days")


def _live() -> Mapping[str, LiveVc] | None:
    """What the cluster has; ``None`` where no kubeconfig leads to it."""
    if "KUBECONFIG" not in os.environ and not (Path.home() / ".kube" / "config").is_file():
        return None
    try:
        return read_live()
    except AmalgamError as error:
        Console(stderr=True).print(f"what is used is not known: {error}", markup=False, highlight=False)
        return None


def _used(vc: str, live: Mapping[str, LiveVc] | None) -> dict[Kind, int]:
    return live[vc].used if live and vc in live else {}


def _text(amounts: Mapping[Kind, int], kind: Kind) -> str:
    return quantity(kind, amounts[kind]) if kind in amounts else "-"


def _of(taken: Mapping[Kind, int], has: Mapping[Kind, int], kind: Kind) -> str:
    return f"{_text(taken, kind)} of {_text(has, kind)}" if has[kind] else ""


def _facts(account: Account, is_vc: bool, live: Mapping[str, LiveVc] | None) -> dict[str, Any]:
    facts = {
        "path": account.path,
        "kind": "vc" if is_vc else "group",
        "quota": quantities(account.quota),
        "effective": quantities(account.effective),
    }
    if is_vc:
        return facts | {"used": quantities(_used(account.node.name, live))}
    return facts | {"granted": quantities(account.granted)}


def _everything(one: Tenancy, live: Mapping[str, LiveVc] | None) -> dict[str, Any]:
    vc = one.vc
    return {
        "name": one.name,
        "path": one.path,
        "quota": quantities(vc.quota.amounts()),
        "effective": quantities(one.effective),
        "used": quantities(_used(one.name, live)),
        "members": [{"user": user, "role": role} for user, role in one.members],
        "caps": {user: quantities(cap.amounts()) for user, cap in vc.caps.items()},
        "priority_classes": vc.priority_classes,
        "storage_classes": {name: quantity("storage", amount) for name, amount in vc.storage_classes.items()},
        "registry_projects": vc.registry_projects,
        "flows": [flow.model_dump(mode="json", exclude_none=True) for flow in vc.flows],
    }


def _sections(one: Tenancy) -> dict[str, list[str]]:
    vc = one.vc
    caps = {
        user: ", ".join(f"{kind} {text}" for kind, text in quantities(cap.amounts()).items())
        for user, cap in vc.caps.items()
    }
    return {
        "members": [f"{user} ({role})" for user, role in one.members],
        "caps": [f"{user}: {cap}" for user, cap in caps.items()],
        "priorities": list(vc.priority_classes),
        "storage classes": [f"{name} {quantity('storage', amount)}" for name, amount in vc.storage_classes.items()],
        "registry projects": vc.registry_projects,
        "flows": [_flow(flow) for flow in vc.flows],
    }


def _flow(flow: Flow) -> str:
    peer = f"VC {flow.vc}" if flow.vc else f"namespace {flow.namespace}" if flow.namespace else str(flow.cidr)
    return f"{flow.direction} {peer}, {flow.protocol} {', '.join(map(str, flow.ports))}"
