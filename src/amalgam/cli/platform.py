"""``amalgam platform``: what Pulumi declares, all projects in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amalgam.errors import AmalgamError
from amalgam.models import load_site
from amalgam.pulumi_home import default_home, set_up
from amalgam.pulumi_projects import Projects

app = typer.Typer(no_args_is_help=True)

Inventory = Annotated[
    Path, typer.Option("--inventory", "-i", exists=True, file_okay=False, help="The site's inventory folder.")
]
ExpectNoChanges = Annotated[
    bool, typer.Option("--expect-no-changes", help="Fail where anything is, or would be, changed.")
]


@app.command()
def preview(inventory: Inventory, expect_no_changes: ExpectNoChanges = False) -> None:
    """Show what `up` would change on the site's cluster, or that of KUBECONFIG; refuse what is not sound."""
    _projects(inventory).run("preview", *_flags(expect_no_changes))


@app.command()
def up(inventory: Inventory, expect_no_changes: ExpectNoChanges = False) -> None:
    """Bring the site's cluster, or that of KUBECONFIG, to what its data says. A second time changes nothing."""
    _projects(inventory).run("up", "--yes", "--skip-preview", *_flags(expect_no_changes))


@app.command()
def refresh(inventory: Inventory, expect_no_changes: ExpectNoChanges = False) -> None:
    """Look at what the cluster has of it, and tell what was changed by hand; `up` then puts it right."""
    _projects(inventory).run("refresh", "--yes", "--skip-preview", *_flags(expect_no_changes))


@app.command()
def destroy(
    inventory: Inventory,
    confirm: Annotated[str, typer.Option("--confirm", metavar="SITE", help="The site's name.")] = "",
) -> None:
    """Take it all away again: training, tenants, and what holds in the whole cluster.

    Data stays in the way: it ends at a protected training volume, and at a VC that holds data (docs/tenants.md).
    """
    name = load_site(inventory).settings.site_name
    if confirm != name:
        what = "all virtual clusters would go, and everything that runs in them"
        raise AmalgamError(what, where=f"site {name}", remedy=f"if that is meant, say so: --confirm {name}")
    # That of the tenants with its program, which looks for data; that of training would protect its volumes again.
    with_program = {"tenants": ("--run-program",)}
    _projects(inventory).run("destroy", "--yes", "--skip-preview", backwards=True, more=with_program)


def _flags(expect_no_changes: bool) -> list[str]:
    return ["--expect-no-changes"] if expect_no_changes else []


def _projects(inventory: Path) -> Projects:
    site = load_site(inventory)
    return Projects(inventory, site.settings.site_name, set_up(site, default_home()), site.state_dir / "kubeconfig")
