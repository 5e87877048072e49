"""Pulumi on this machine: the bundle's engine, and beside it the language host and the plugin that stand in (ADR 13).

Official ones that are installed already are left as they are, and used: a language host in ``PULUMI_HOME``, on ``PATH``
or in ``~/.pulumi``, the engine beside it or in ``PULUMI_HOME``, and a plugin in ``PULUMI_HOME`` or ``~/.pulumi``.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from amalgam.bundle.host import host_arch
from amalgam.bundle.manifest import verify_bundle
from amalgam.bundle.store import file_sha256
from amalgam.errors import AmalgamError
from amalgam.models import Site
from amalgam.paths import cache_dir
from amalgam.private_file import write_private

ENGINE = "pulumi"
LANGUAGE_HOST = "pulumi-language-python"
PLUGIN = "pulumi-resource-kubernetes"
SDK = "pulumi-kubernetes"
_REBUILD = "build the bundle again: `amalgam bundle build`"
_OURS = "Written by `amalgam pulumi setup`."


@dataclass(frozen=True)
class PulumiHome:
    """Where everything is, and whose it is."""

    home: Path
    backend: Path
    passphrase: Path
    language_host_is_official: bool
    plugin_is_official: bool
    engine_is_official: bool = False
    """Whether it is another than the bundle's."""

    def environment(self) -> dict[str, str]:
        """Variable -> value, for the shell that runs ``pulumi``; ``PATH`` is what to put before the present one."""
        return {
            "PATH": str(self.home / "bin"),
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }


def default_home() -> Path:
    """``PULUMI_HOME``, else a folder in the user's cache."""
    return Path(os.environ.get("PULUMI_HOME") or cache_dir() / "pulumi").absolute()


def set_up(site: Site, home: Path) -> PulumiHome:
    """Put engine, language host and plugin into ``home``, and make place for the site's state.

    State and passphrase lie with the site's secrets: who has both has the secrets in the state.

    Args:
        site: whose bundle and state folder are used.
        home: ``PULUMI_HOME``; made where it is missing.

    Raises:
        AmalgamError: the bundle is not the one that was signed, or this environment has no SDK.
    """
    version = sdk_version()
    engine = _engine(site)
    programs = home / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    theirs = Path.home() / ".pulumi"
    folders = (programs, *map(Path, os.get_exec_path()), theirs / "bin")
    # The first that has one; its engine comes in the same archive.
    official = next((folder for folder in folders if _is_official(folder / LANGUAGE_HOST)), None)
    if official is None:
        _write_program(programs / LANGUAGE_HOST, "language", {})
    else:
        _link(official / LANGUAGE_HOST, programs / LANGUAGE_HOST)
    others = (folder / ENGINE for folder in (official, programs) if folder)
    other_engine = next((path for path in others if path.exists() and not _is_of_a_bundle(path, engine)), None)
    if other_engine is None:
        _copy(engine, programs / ENGINE)
        _of_bundle(programs / ENGINE).write_text(file_sha256(engine))
    else:
        _link(other_engine, programs / ENGINE)
    place = Path("plugins") / f"resource-kubernetes-v{version}" / PLUGIN
    plugin = home / place
    plugin.parent.mkdir(parents=True, exist_ok=True)
    official_plugin = next((path for path in (plugin, theirs / place) if _is_official(path)), None)
    if official_plugin is None:
        _write_program(plugin, "provider", {"AMALGAM_PULUMI_KUBERNETES_VERSION": version})
    else:
        _link(official_plugin, plugin)
    folder = site.state_dir / "pulumi"
    backend, passphrase = folder / "state", folder / "passphrase"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    backend.mkdir(exist_ok=True, mode=0o700)
    if not passphrase.exists():
        write_private(passphrase, secrets.token_urlsafe(32) + "\n")
    officials = (one is not None for one in (official, official_plugin, other_engine))
    return PulumiHome(home, backend.absolute(), passphrase.absolute(), *officials)


def sdk_version() -> str:
    """The installed version of the Kubernetes SDK: the engine looks for the plugin of exactly this one.

    Raises:
        AmalgamError: it is not installed.
    """
    try:
        return metadata.version(SDK)
    except metadata.PackageNotFoundError as error:
        raise AmalgamError(
            f"{SDK} is not installed", where=sys.executable, remedy="install this project again: `make venv`"
        ) from error


def _engine(site: Site) -> Path:
    arch = host_arch()
    manifest = verify_bundle(site.bundle_path, site.bundle_allowed_signers, deep=False)
    found = next((a for a in manifest.artifacts if a.kind == "file" and (a.name, a.arch) == (ENGINE, arch)), None)
    if found is None:
        raise AmalgamError(f"no {ENGINE} for {arch} in the bundle", where=str(site.bundle_path), remedy=_REBUILD)
    path = site.bundle_path / found.path
    if file_sha256(path) != found.sha256:
        raise AmalgamError("changed since the bundle was signed", where=str(path), remedy=_REBUILD)
    return path


def _is_official(path: Path) -> bool:
    return path.exists() and _OURS.encode() not in path.read_bytes()[:512]


def _is_of_a_bundle(path: Path, engine: Path) -> bool:
    """Whether an engine was put there from this bundle, or an older one."""
    note, digest = _of_bundle(path), file_sha256(path)
    return digest == file_sha256(engine) or (note.exists() and note.read_text() == digest)


def _of_bundle(path: Path) -> Path:
    """The note beside a bundle's engine: its checksum."""
    return path.with_name(f".{path.name}.of-the-bundle")


def _link(program: Path, path: Path) -> None:
    """A program that is elsewhere, by its name here; it finds what lies beside it where it is."""
    if program != path:
        path.unlink(missing_ok=True)
        path.symlink_to(program.absolute())


def _copy(source: Path, target: Path) -> None:
    if target.exists() and file_sha256(target) == file_sha256(source):
        return
    # Beside it first: an engine that is running keeps its file.
    new = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, new)
    new.chmod(0o755)
    new.replace(target)


def _write_program(path: Path, part: str, variables: dict[str, str]) -> None:
    """A program that runs a part of ``amalgam_pulumi`` with this Python, whatever environment the engine has."""
    package = Path(__file__).resolve().parents[1]
    installed = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    folders = [] if package in installed else [str(package)]
    text = f"""#!{sys.executable}
# {_OURS}
import os, runpy, sys
sys.path[:0] = {folders!r}
os.environ.update({variables!r})
runpy.run_module("amalgam_pulumi.{part}", run_name="__main__", alter_sys=True)
"""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(0o755)
    new.replace(path)
