"""The one reader of ``versions/lock.yml``: which version, image and checksum is used.

Loaded by the Ansible vars plugin on every run, so it stays quick and imports nothing of the bundle builder.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from amalgam.errors import AmalgamError
from amalgam.paths import project_root

LOCK_FILE = "versions/lock.yml"

Arch = Literal["amd64", "arm64"]


class Strict(BaseModel):
    """Unknown keys are refused and types are not coerced, so a typing error never passes silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], data: object, path: Path, remedy: str) -> M:
    """``data`` as ``model``.

    Raises:
        AmalgamError: it does not fit; the message names the first wrong key of ``path``.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(top)"
        raise AmalgamError(f"{key}: {first['msg']}", where=str(path), remedy=remedy) from error


class ImagePin(Strict):
    """Where an image lies in the site's registry, under the registry's host name."""

    repository: str
    tag: str


class GoModulePin(Strict):
    """A module of the Go module proxy, with its checksum as the Go checksum database states it."""

    version: str
    h1: str


class ReleasePin(Strict):
    """An upstream release file."""

    url: str
    sha256: str
    member: str = ""


class ComponentPin(Strict):
    """One upstream project: version, licence, and the source of its programs per architecture."""

    version: str
    licence: str
    programs: list[str]
    modules: dict[str, GoModulePin] = Field(default_factory=dict)
    go_mod_sha256: str = ""
    go_sum_sha256: str = ""
    releases: dict[str, dict[Arch, ReleasePin]] = Field(default_factory=dict)


class DebPin(Strict):
    """A Debian package: ``file`` is its path in the archive; ``depends`` holds Pre-Depends too."""

    version: str
    sha256: str
    size: int
    file: str
    sets: list[str]
    depends: str = ""
    provides: str = ""


class WheelPin(Strict):
    """A Python wheel, for the architectures it serves."""

    version: str
    sha256: str
    arches: list[Arch]


class Lock(Strict):
    """Every artifact that a site is made of."""

    schema_: Literal[1] = Field(alias="schema")
    inputs: dict[str, str]
    toolchain: dict[str, dict[Arch, dict[str, str]]]
    components: dict[str, ComponentPin]
    images: dict[str, ImagePin]
    charts: dict[str, str]
    wheels: dict[str, WheelPin]
    debian: dict[Arch, dict[str, DebPin]]
    _digest: str = ""

    def version(self, component: str) -> str:
        """The version of one component, without a leading ``v``.

        Raises:
            AmalgamError: the lock has no such component.
        """
        try:
            return self.components[component].version
        except KeyError as error:
            raise _unknown("component", component, self.components) from error

    def image(self, name: str) -> ImagePin:
        """Repository and tag of one image.

        Raises:
            AmalgamError: the lock has no such image.
        """
        try:
            return self.images[name]
        except KeyError as error:
            raise _unknown("image", name, self.images) from error

    def versions(self) -> dict[str, str]:
        """Component -> version."""
        return {name: component.version for name, component in self.components.items()}

    def digest(self) -> str:
        """The sha256 of the lock file, in hex: two sites with the same digest use the same bytes of input."""
        return self._digest


def _unknown(kind: str, name: str, known: dict[str, Any]) -> AmalgamError:
    return AmalgamError(
        f"the lock has no {kind} {name!r}",
        where=LOCK_FILE,
        remedy=f"use one of {', '.join(sorted(known))}; or pin it in versions/components.yml, `amalgam lock update`",
    )


def load_lock(root: Path | None = None) -> Lock:
    """Read the lock of a checkout (default: the one this package lies in).

    Raises:
        AmalgamError: missing, not YAML, or not in the lock's form.
    """
    path = (root or project_root()) / LOCK_FILE
    remedy = "run `amalgam lock update`; the file is written by that tool only"
    try:
        raw = path.read_bytes()
        data = yaml.load(raw, Loader=yaml.CSafeLoader)
    except FileNotFoundError as error:
        raise AmalgamError("the lock is missing", where=str(path), remedy=remedy) from error
    except yaml.YAMLError as error:
        raise AmalgamError(f"not YAML: {error}", where=str(path), remedy=remedy) from error
    lock = validated(Lock, data, path, remedy)
    lock._digest = hashlib.sha256(raw).hexdigest()
    return lock
