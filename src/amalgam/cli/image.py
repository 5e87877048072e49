"""``amalgam image``: bring images into a site's registry, look at them, remove them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from amalgam.errors import AmalgamError
from amalgam.models import load_site
from amalgam.private_file import write_private
from amalgam.registry.client import Image
from amalgam.registry.credentials import Credentials, of_administrator, of_robot, of_user
from amalgam.registry.harbor import connect
from amalgam.registry.reference import Reference, parse
from amalgam.registry.source import find_source
from amalgam.registry.transfer import own_source, transfer

app = typer.Typer(no_args_is_help=True)

Inventory = Annotated[
    Path | None,
    typer.Option(
        "--inventory",
        "-i",
        exists=True,
        file_okay=False,
        help="Act as the registry's administrator, from the site's data.",
    ),
]
File = Annotated[
    Path | None,
    typer.Option("--credentials", help=f"Your credentials, else ${Credentials.variable}, else your own file."),
]
Target = Annotated[str, typer.Argument(metavar="PROJECT/NAME:TAG", help="Its name in the registry.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def _credentials(inventory: Path | None, file: Path | None) -> Credentials:
    if inventory is not None:
        return of_administrator(load_site(inventory))
    return Credentials.load(file)


@app.command(name="import")
def import_(
    source: Annotated[str, typer.Argument(help="Archive, OCI layout, or HOST/NAME:TAG of another registry.")],
    target: Target,
    image: Annotated[str | None, typer.Option(help="Which image, where the source holds several.")] = None,
    source_authfile: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Login at the other registry; else that of `skopeo login`."),
    ] = None,
    inventory: Inventory = None,
    credentials: File = None,
    as_json: AsJson = False,
) -> None:
    """Bring an image in from elsewhere, with every architecture that it has.

    Digests stay the same, but for archives of Docker's older form, which hold none.
    """
    found, to = find_source(source, image), parse(target)
    own = _credentials(inventory, credentials)
    digest = transfer(found, to, own, source_auth_file=source_authfile)
    _show_one(own, to, digest, as_json=as_json)


@app.command()
def copy(
    source: Annotated[str, typer.Argument(metavar="PROJECT/NAME:TAG", help="The image that is there.")],
    target: Target,
    inventory: Inventory = None,
    credentials: File = None,
    as_json: AsJson = False,
) -> None:
    """Give an image a further name, also in another project."""
    origin, to = parse(source), parse(target)
    own = _credentials(inventory, credentials)
    digest = transfer(own_source(origin, own), to, own)
    _show_one(own, to, digest, as_json=as_json)


@app.command(name="list")
def list_(
    project: Annotated[str | None, typer.Argument(metavar="PROJECT[/NAME]", help="Whose; else all of them.")] = None,
    inventory: Inventory = None,
    credentials: File = None,
    as_json: AsJson = False,
) -> None:
    """List images with their digests and architectures."""
    with connect(_credentials(inventory, credentials)) as registry:
        if project is None:
            repositories = registry.all_repositories()
        else:
            repositories = [project] if "/" in project else registry.repositories(project)
        tagged = [Reference(repository, tag) for repository in repositories for tag in registry.tags(repository)]
        images = [image for reference in tagged if (image := registry.describe(reference)) is not None]
    if as_json:
        typer.echo(json.dumps([_plain(image) for image in images], indent=1))
        return
    # References are to be copied: never cut, however narrow the terminal.
    table = Table(Column("image", no_wrap=True, overflow="ignore"), "digest", "architectures", "size")
    for one in images:
        table.add_row(str(one.reference), _short(one.digest), ", ".join(one.architectures), _mebibytes(one.size))
    Console().print(table)


@app.command()
def delete(
    target: Target,
    inventory: Inventory = None,
    credentials: File = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a tag, and no other of the same image. What no tag leads to goes with the next garbage collection."""
    reference = parse(target)
    with connect(_credentials(inventory, credentials)) as registry:
        image = registry.describe(reference)
        if image is not None and not yes:
            typer.confirm(f"Delete {reference} ({_short(image.digest)})?", abort=True)
        registry.delete(reference)
    typer.echo(f"{reference} deleted")


@app.command()
def credentials(
    inventory: Annotated[Path, typer.Option("--inventory", "-i", exists=True, file_okay=False, help="The site.")],
    output: Annotated[Path, typer.Option(help="File to write, for the user's eyes only.")],
    user: Annotated[str | None, typer.Option(help="A member of a registry project.")] = None,
    robot: Annotated[
        str | None, typer.Option(metavar="PROJECT/NAME", help="One of harbor_robots, where the registry is Harbor.")
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a new password; it holds after the next site run.")
    ] = False,
    docker: Annotated[bool, typer.Option("--docker", help="In the form of docker, podman and pull secrets.")] = False,
) -> None:
    """Write the file with which a user or a robot account logs in."""
    if (user is None) == (robot is None):
        raise typer.BadParameter("name either a user or a robot", param_hint="--user, --robot")
    if robot is not None and renew:
        raise typer.BadParameter("a robot's secret is not renewed here", param_hint="--renew")
    site = load_site(inventory)
    made = of_user(site, user, renew=renew) if user is not None else of_robot(site, robot or "")
    if docker:
        write_private(output, made.auth_file() + "\n")
    else:
        made.save(output)
    typer.echo(f"{output}: credentials of {made.user} at {made.registry}")
    if renew:
        typer.echo("the new password holds once `ansible-playbook playbooks/site.yml --tags registry` has run")
    elif robot is not None:
        typer.echo(
            "they hold once a run with `--tags registry`, or `amalgam registry apply`, has made the robot account"
        )


def _show_one(own: Credentials, reference: Reference, digest: str, *, as_json: bool) -> None:
    with connect(own) as registry:
        image = registry.describe(reference)
    if image is None or image.digest != digest:
        found = "is not there" if image is None else f"leads to {image.digest} and not to {digest}"
        remedy = "somebody may have deleted it, or pushed another one meanwhile: try again"
        raise AmalgamError(f"{reference} {found}", where=own.registry, remedy=remedy)
    if as_json:
        typer.echo(json.dumps(_plain(image), indent=1))
    else:
        architectures = ", ".join(image.architectures) or "no architecture"
        typer.echo(f"{reference}  {image.digest}  {architectures}  {_mebibytes(image.size)}")


def _plain(image: Image) -> dict[str, str | int | list[str]]:
    return {
        "reference": str(image.reference),
        "digest": image.digest,
        "architectures": list(image.architectures),
        "size_bytes": image.size,
    }


def _short(digest: str) -> str:
    return digest[: len("sha256:") + 12]


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
