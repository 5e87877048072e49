"""``amalgam bundle``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.table import Table

from amalgam.bundle.alone import alone
from amalgam.bundle.build import Builder, bundle_contents
from amalgam.bundle.clean import clean_cache
from amalgam.bundle.host import host_arch
from amalgam.bundle.inventory import allowed_signers_of
from amalgam.bundle.manifest import read_manifest, verify_bundle
from amalgam.errors import AmalgamError
from amalgam.paths import cache_dir, config_dir, project_root
from amalgam.pins import Arch

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Arches = Annotated[
    list[str] | None, typer.Option("--arch", help="amd64 or arm64; repeat for both. Default: this machine's.")
]
BundlePath = Annotated[Path, typer.Argument(help="Folder of the bundle.")]


def _arches(names: list[str] | None) -> list[Arch]:
    for name in names or []:
        if name not in ("amd64", "arm64"):
            raise typer.BadParameter(f"{name} is neither amd64 nor arm64", param_hint="--arch")
    return cast(list[Arch], sorted(set(names or [host_arch()])))


@app.command()
def build(
    arch: Arches = None,
    output: Annotated[Path | None, typer.Option(help="Folder of the bundle. Default: in the user's cache.")] = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option(help="Folder or address laid out like a bundle, asked before upstream; repeatable."),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(
            help="Folder of files that no registry has, and their SHA256SUMS: they go into the bundle too.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the bundle from versions/lock.yml, as far as it is not built yet; its folder is printed last."""
    console = Console(stderr=True)
    builder = Builder(project_root(), cache_dir(), config_dir(), _arches(arch), mirror or [], console, site)
    folder = builder.build(output)
    manifest = read_manifest(folder)
    if as_json:
        size = sum(artifact.size for artifact in manifest.artifacts)
        found = {
            "path": str(folder),
            "lock_digest": manifest.lock_digest,
            "files": len(manifest.artifacts),
            "size": size,
        }
        typer.echo(json.dumps(found))
    else:
        typer.echo(str(folder))


@app.command()
def verify(
    path: BundlePath,
    allowed_signers: Annotated[Path | None, typer.Option(help="Who may sign: the site's allowed_signers file.")] = None,
    inventory: Annotated[Path | None, typer.Option(help="Site whose bundle_allowed_signers says who may sign.")] = None,
    as_json: Json = False,
) -> None:
    """Prove that a folder is the bundle that was signed: exit 0 when every byte is, 1 otherwise."""
    if allowed_signers is None and inventory is None:
        raise typer.BadParameter("the site says who may sign: give --allowed-signers or --inventory")
    try:
        manifest = verify_bundle(path, allowed_signers or allowed_signers_of(cast(Path, inventory)), deep=True)
    except AmalgamError as error:
        if as_json:
            typer.echo(json.dumps({"good": False, "what": error.what, "where": error.where, "remedy": error.remedy}))
            raise typer.Exit(1) from error
        raise
    if as_json:
        typer.echo(json.dumps({"good": True, "files": len(manifest.artifacts), "lock_digest": manifest.lock_digest}))
    else:
        typer.echo(
            f"good: {len(manifest.artifacts)} files, lock {manifest.lock_digest[:12]}, {', '.join(manifest.arches)}"
        )


@app.command(name="list")
def list_artifacts(path: BundlePath, as_json: Json = False) -> None:
    """List what a bundle holds, as its manifest says; see `verify` for the proof."""
    manifest = read_manifest(path)
    if as_json:
        typer.echo(manifest.to_json())
        return
    table = Table("kind", "name", "version", "arch", "files", "size")
    groups: dict[tuple[str, ...], list[int]] = {}
    for artifact in manifest.artifacts:
        # The blobs of an image are one thing to a person.
        name = artifact.name.partition(",")[0]
        groups.setdefault((artifact.kind, name, artifact.version, artifact.arch), []).append(artifact.size)
    for group, sizes in sorted(groups.items()):
        table.add_row(*group, str(len(sizes)), f"{sum(sizes) / 1e6:,.1f} MB")
    Console().print(table)


@app.command()
def clean() -> None:
    """Free the cache of what today's lock does not need, and of the Go build cache."""
    every = bundle_contents(project_root(), cache_dir(), ["amd64", "arm64"])
    with alone(cache_dir(), Console(stderr=True)):
        freed = clean_cache(cache_dir(), every.keys(), every.lock.digest()[:12])
    typer.echo(f"freed {freed / 1e9:.1f} GB")
