"""``amalgam dataset``."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from amalgam.cli.transfer import bars
from amalgam.datasets.access import credentials_of
from amalgam.datasets.bucket import Bucket
from amalgam.datasets.catalog import Catalog, Damaged, Published
from amalgam.datasets.credentials import Credentials
from amalgam.datasets.delete import Freed, delete_dataset, delete_version, drop_unfinished
from amalgam.datasets.download import download as download_version
from amalgam.datasets.download import verify as verify_version
from amalgam.datasets.layout import Role
from amalgam.datasets.upload import upload as upload_version
from amalgam.models import load_site

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="DATASET", help="Name of the dataset.")]
Number = Annotated[int | None, typer.Option("--version", min=1, help="Number of the version. Default: the newest.")]
Comment = Annotated[str, typer.Option(help="What others should know about it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Vc = Annotated[str, typer.Option(help="Virtual cluster whose datasets are meant. Default: the one of the credentials.")]
CredentialsFile = Annotated[
    Path | None,
    typer.Option("--credentials", help=f"File of credentials. Default: ${Credentials.variable}, else your own file."),
]


def _bucket(credentials: Path | None, vc: str) -> Bucket:
    return Bucket(Credentials.load(credentials), vc)


def _say(as_json: bool, data: dict[str, Any] | list[dict[str, Any]], text: str) -> None:
    typer.echo(json.dumps(data, indent=1) if as_json else text)


@app.command()
def create(
    name: Name, comment: Comment = "", vc: Vc = "", credentials: CredentialsFile = None, as_json: Json = False
) -> None:
    """Create a dataset; its versions are uploaded."""
    made = Catalog(_bucket(credentials, vc)).create(name, creator=getpass.getuser(), comment=comment)
    _say(as_json, made.model_dump(mode="json"), f"{name} is created")


@app.command(name="list")
def list_datasets(vc: Vc = "", credentials: CredentialsFile = None, as_json: Json = False) -> None:
    """List the datasets."""
    found = Catalog(_bucket(credentials, vc)).datasets()
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=1))
        return
    table = Table("dataset", "created", "by", "comment")
    for one in found:
        table.add_row(one.dataset, f"{one.created:%Y-%m-%d %H:%M}", one.creator, one.comment)
    Console().print(table)


@app.command()
def upload(
    name: Name,
    source: Annotated[Path, typer.Argument(metavar="PATH", help="Folder or file.")],
    comment: Comment = "",
    vc: Vc = "",
    credentials: CredentialsFile = None,
    as_json: Json = False,
) -> None:
    """Publish a folder or a file as the next version. Cut off, it is started again and goes on where it was."""
    bucket = _bucket(credentials, vc)
    with bars() as progress:
        done = upload_version(bucket, name, source, creator=getpass.getuser(), comment=comment, progress=progress)
    facts = {**_facts(done.published), "new": done.new, "sent_bytes": done.sent_bytes}
    said = "published" if done.new else "the newest version holds the same already"
    _say(as_json, facts, f"{_title(done.published)}: {said}, {_size(done.sent_bytes)} sent")


@app.command()
def versions(name: Name, vc: Vc = "", credentials: CredentialsFile = None, as_json: Json = False) -> None:
    """List the versions of a dataset."""
    catalog = Catalog(_bucket(credentials, vc))
    found = catalog.versions(name)
    if as_json:
        typer.echo(json.dumps([_facts(one) for one in found], indent=1))
        return
    table = Table("version", "created", "by", "files", "size", "digest", "comment")
    for one in found:
        if isinstance(one, Damaged):
            table.add_row(str(one.number), "", "", "", "", "", one.reason, style="red")
            continue
        it = one.manifest
        created, size = f"{it.created:%Y-%m-%d %H:%M}", _size(it.total_bytes)
        table.add_row(str(it.version), created, it.creator, str(len(it.files)), size, one.digest[:12], it.comment)
    Console().print(table)
    published = {one.manifest.upload for one in found if isinstance(one, Published)}
    for draft in catalog.drafts(name):
        if draft.upload not in published:
            typer.echo(f"An upload by {draft.creator} is not published: it goes on when it is started again.")


@app.command()
def download(
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; it is made where it is not there.")],
    version: Number = None,
    vc: Vc = "",
    credentials: CredentialsFile = None,
    as_json: Json = False,
) -> None:
    """Get the files of a version, each compared with its checksum. Cut off, it is started again and goes on."""
    bucket = _bucket(credentials, vc)
    with bars() as progress:
        done = download_version(bucket, name, folder, number=version, progress=progress)
    counts = {"fetched": done.fetched, "received_bytes": done.received_bytes}
    said = f"{done.fetched} files fetched, {_size(done.received_bytes)} received"
    facts = {**_facts(done.published), "folder": str(folder), **counts}
    _say(as_json, facts, f"{_title(done.published)} is whole in {folder}: {said}")


@app.command()
def verify(
    name: Name, version: Number = None, vc: Vc = "", credentials: CredentialsFile = None, as_json: Json = False
) -> None:
    """Read all files of a version in the store, and compare each with its checksum: exit 0 when all are good."""
    bucket = _bucket(credentials, vc)
    with bars() as progress:
        good = verify_version(bucket, name, number=version, progress=progress)
    _say(as_json, _facts(good), f"{_title(good)}: all files are good")


@app.command()
def delete(
    name: Name,
    version: Annotated[int | None, typer.Option(min=1, help="The version to delete.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete the dataset with all its versions.")] = False,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Give up uploads that are not published.")] = False,
    vc: Vc = "",
    credentials: CredentialsFile = None,
    as_json: Json = False,
) -> None:
    """Delete a version for good, and the content that no other version has. For managers."""
    if sum((version is not None, everything, unfinished)) != 1:
        raise typer.BadParameter("say what to delete: --version, --all or --unfinished")
    action: Callable[[Bucket, str], Freed] = delete_dataset if everything else drop_unfinished
    bucket = _bucket(credentials, vc)
    freed = delete_version(bucket, name, version) if version is not None else action(bucket, name)
    facts = {"dataset": name, "versions": freed.versions, "freed_bytes": freed.size}
    _say(as_json, facts, f"{name}: {freed.versions} versions deleted, {_size(freed.size)} freed")


@app.command()
def credentials(
    inventory: Annotated[Path, typer.Option("--inventory", "-i", help="The site.", exists=True, file_okay=False)],
    vc: Annotated[str, typer.Option(help="Virtual cluster that the credentials are for.")],
    output: Annotated[Path, typer.Option(help="File to write; only its owner can read it.")],
    role: Annotated[Role, typer.Option(help="reader reads, member uploads too, manager deletes too.")] = Role.MEMBER,
) -> None:
    """Write the file by which people of a virtual cluster reach its datasets. For the site's administrator."""
    credentials_of(load_site(inventory), vc, role).save(output)
    typer.echo(str(output))


def _facts(one: Published | Damaged) -> dict[str, Any]:
    if isinstance(one, Damaged):
        return {"version": one.number, "damaged": one.reason}
    facts = one.manifest.model_dump(mode="json", exclude={"files", "upload", "format"})
    return {**facts, "files": len(one.manifest.files), "digest": one.digest}


def _title(published: Published) -> str:
    it = published.manifest
    return f"{it.dataset}, version {it.version} ({len(it.files)} files, {_size(it.total_bytes)})"


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
