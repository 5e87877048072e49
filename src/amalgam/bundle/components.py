"""``versions/components.yml`` as typed data: what is pinned by hand, and how each artifact is made.

Only the lock writer and the bundle builder read this page; everything else reads the lock (:mod:`amalgam.pins`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, model_validator

from amalgam.errors import AmalgamError
from amalgam.pins import Arch, Strict, validated

COMPONENTS_FILE = "versions/components.yml"


class GoProgram(Strict):
    """One program of a Go module: its main package, and the build tags it needs beside the component's."""

    package: str
    tags: list[str] = Field(default_factory=list)


class Cgo(Strict):
    """Debian packages (of the set ``build``) whose headers and static libraries the program is linked with."""

    packages: list[str] = Field(default_factory=list)
    static: bool = True
    """``False`` for a program that loads a library of its host as it runs, which a static one cannot."""


class GoPatch(Strict):
    """A change of the source of a module in ``go.sum``: ``old``, which ``file`` has exactly once, becomes ``new``."""

    module: str
    file: str
    old: str
    new: str


class GoSource(Strict):
    """Programs built from modules of the Go module proxy. ``stamps``: package variables set at link time."""

    modules: dict[str, str]
    replace: dict[str, str] = Field(default_factory=dict)
    # A component without any says nothing of it: what was built under its key stays.
    patches: list[GoPatch] = Field(default_factory=list, exclude_if=lambda patches: not patches)
    stamps: dict[str, str] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    cgo: Cgo | None = None
    programs: dict[str, GoProgram]


class CProgram(Strict):
    """C sources, as paths inside the module."""

    sources: list[str]


class CSource(Strict):
    """Static C programs whose sources lie in the Go module of another component."""

    component: str
    module: str
    flags: list[str]
    programs: dict[str, CProgram]


class ReleaseProgram(Strict):
    """One program in an upstream release: its address, digests, the member if it is a tar; ``{arch}`` is filled in."""

    url: str
    sha256: dict[Arch, str]
    member: str = ""


class Component(Strict):
    """One upstream project. Its programs come from exactly one kind of source; ``release`` is tried before that."""

    version: str
    licence: str
    go: GoSource | None = None
    c: CSource | None = None
    release: dict[str, ReleaseProgram] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_source(self) -> Component:
        if (self.go is None) == (self.c is None):
            raise ValueError("a component has exactly one of `go` and `c`")
        return self

    @property
    def programs(self) -> list[str]:
        """Names of the programs it yields."""
        source = self.go or self.c
        return list(source.programs) if source else []


class Archive(Strict):
    """Programs for one class of node: name -> path on the node, without the leading slash."""

    component: str
    programs: dict[str, str]


class Image(Strict):
    """One container image: layers from a Debian set, a module's files and programs, in that order."""

    component: str
    repository: str
    tag: str
    debian: str = ""
    programs: dict[str, str]
    module_files: dict[str, str] = Field(default_factory=dict)
    exclude: list[str] = Field(default_factory=list)
    links: dict[str, str] = Field(default_factory=dict)
    entrypoint: list[str]
    command: list[str] = Field(default_factory=list)
    user: str = ""
    workdir: str = "/"


class Chart(Strict):
    """A Helm chart that lies in a component's module."""

    component: str
    module: str
    path: str


_RESTRICTED = re.compile(r"(\S+) \[([a-z0-9 ]+)\]")


class DebianSet(Strict):
    """Packages wanted. ``base``: with all that a bootable root needs. ``exclude``: cut, with what only these need.

    ``NAME [ARCH ...]`` wants a package for these architectures only (Debian Policy, 7.1).
    """

    base: bool = False
    packages: list[str]
    exclude: list[str] = Field(default_factory=list)

    def wanted(self, arch: Arch) -> list[str]:
        """The names wanted for ``arch``."""
        restricted = {entry: _RESTRICTED.fullmatch(entry) for entry in self.packages}
        return [
            match[1] if match else entry
            for entry, match in restricted.items()
            if match is None or arch in match[2].split()
        ]


class Debian(Strict):
    """Which Debian release, and what of it."""

    release: str
    sets: dict[str, DebianSet]


class Toolchain(Strict):
    """A compiler from PyPI."""

    version: str
    pypi: str


class Wheels(Strict):
    """The controller's own Python packages: a hash-locked requirements file, for one Python."""

    requirements: str
    python: str


class Components(Strict):
    """The whole page."""

    schema_: Literal[1] = Field(alias="schema")
    architectures: list[Arch]
    toolchain: dict[Literal["go"], Toolchain]
    components: dict[str, Component]
    files: list[str]
    archives: dict[str, Archive]
    images: dict[str, Image]
    charts: dict[str, Chart]
    debian: Debian
    wheels: Wheels

    @model_validator(mode="after")
    def _names_resolve(self) -> Components:
        owners = self.program_owners()
        holders: list[Archive | Image] = [*self.archives.values(), *self.images.values()]
        wanted = {name for entry in holders for name in entry.programs}
        unknown = sorted((wanted | set(self.files)) - set(owners))
        if unknown:
            raise ValueError(f"no component makes the program {', '.join(unknown)}")
        users: list[Archive | Image | Chart] = [*holders, *self.charts.values()]
        missing = sorted({entry.component for entry in users} - set(self.components))
        if missing:
            raise ValueError(f"no component is named {', '.join(missing)}")
        sets = sorted({image.debian for image in self.images.values() if image.debian} - set(self.debian.sets))
        if sets:
            raise ValueError(f"no Debian set is named {', '.join(sets)}")
        return self

    def program_owners(self) -> dict[str, str]:
        """Program name -> component that makes it.

        Raises:
            ValueError: two components make a program of one name.
        """
        owners: dict[str, str] = {}
        for name, component in self.components.items():
            for program in component.programs:
                if program in owners:
                    raise ValueError(f"program {program} is made by {owners[program]} and by {name}")
                owners[program] = name
        return owners


def load_components(root: Path) -> Components:
    """Read ``versions/components.yml`` of a checkout, with every ``{version}`` filled in.

    Raises:
        AmalgamError: not YAML, an unknown key, a wrong type or a name that stands for nothing; names the key.
    """
    path = root / COMPONENTS_FILE
    try:
        data = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise AmalgamError(f"not YAML: {error}", where=str(path), remedy="correct the file") from error
    return validated(Components, _expanded(data), path, "correct versions/components.yml")


def _expanded(data: object) -> object:
    """Fill ``{version}`` and its parts in: inside a component its own, elsewhere that of the component it names."""
    if not isinstance(data, dict) or not isinstance(data.get("components"), dict):
        return data
    versions = {
        name: str(entry["version"])
        for name, entry in data["components"].items()
        if isinstance(entry, dict) and "version" in entry
    }
    data["components"] = {name: _fill(entry, versions.get(name, "")) for name, entry in data["components"].items()}
    for section in ("archives", "images", "charts"):
        entries = data.get(section)
        if isinstance(entries, dict):
            data[section] = {
                name: _fill(entry, versions.get(str(entry.get("component")), "")) if isinstance(entry, dict) else entry
                for name, entry in entries.items()
            }
    return data


def _fill(value: object, version: str) -> object:
    if isinstance(value, dict):
        return {_fill(key, version): _fill(entry, version) for key, entry in value.items()}
    if isinstance(value, list):
        return [_fill(entry, version) for entry in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    parts = [*version.split("."), "", ""]
    for mark, text in zip(("version", "major", "minor", "patch"), (version, *parts), strict=False):
        value = value.replace("{" + mark + "}", text)
    return value
