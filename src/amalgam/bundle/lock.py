"""Writing ``versions/lock.yml``, and proving it current without a network."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from amalgam.bundle.apt import private_apt
from amalgam.bundle.components import COMPONENTS_FILE, Component, Components, Toolchain, load_components
from amalgam.bundle.debian import solve_sets
from amalgam.bundle.debian_closure import unsatisfied
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.gomod import module_pins, write_go_module
from amalgam.bundle.host import host_arch
from amalgam.bundle.programs import GO_FILES
from amalgam.bundle.store import file_sha256, key_of
from amalgam.bundle.toolchain import fetch_go, pip
from amalgam.bundle.wheels import platform_options, solve_wheels
from amalgam.errors import AmalgamError
from amalgam.pins import LOCK_FILE, Arch, ComponentPin, ImagePin, Lock, ReleasePin, load_lock

_REMEDY = "run `amalgam lock update`"
_SEAL = "# sha256 of what follows: "
_HEADER = """\
# Written by `amalgam lock update`. Do not edit: change versions/components.yml and run that command again.
"""


def update_lock(root: Path, cache: Path, say: Callable[[str], None]) -> Lock:
    """Solve everything in ``versions/components.yml`` again and write the lock.

    Args:
        root: the checkout.
        cache: the user's cache.
        say: told what is being done.

    Raises:
        AmalgamError: something pinned cannot be had.
    """
    components = load_components(root)
    arches = components.architectures
    toolchain = components.toolchain["go"]
    say(f"toolchain: {toolchain.pypi} {toolchain.version}")
    pins = {arch: _toolchain_pin(toolchain, components.wheels.python, arch) for arch in arches}
    go = fetch_go(Fetcher(cache / "downloads"), cache / "tools", pins[host_arch()])
    for name, component in components.components.items():
        if component.go:
            say(f"Go modules: {name} {component.version}")
            write_go_module(root, cache, go, name, component, arches)
    say("Python wheels")
    wheels = solve_wheels(root, components.wheels, arches)
    debian = {}
    for arch in arches:
        say(f"Debian packages: {arch}")
        apt = private_apt(cache / "apt" / arch, arch, components.debian.release)
        debian[arch] = solve_sets(components.debian, apt, arch)
    lock = Lock(
        schema_=1,
        inputs=input_digests(root, components),
        toolchain={"go": pins},
        components={name: _component_pin(root, name, entry) for name, entry in components.components.items()},
        images={name: ImagePin(repository=i.repository, tag=i.tag) for name, i in components.images.items()},
        charts={name: components.components[chart.component].version for name, chart in components.charts.items()},
        wheels=wheels,
        debian=debian,
    )
    write_lock(root, lock)
    return load_lock(root)


def write_lock(root: Path, lock: Lock) -> None:
    """Write the lock with its header and seal."""
    data = lock.model_dump(by_alias=True, exclude_defaults=True)
    data = {"schema": 1, **{key: value for key, value in data.items() if key != "schema"}}
    body = yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, width=1000, allow_unicode=True)
    seal = hashlib.sha256(body.encode()).hexdigest()
    new = (root / LOCK_FILE).with_suffix(".new")
    new.write_text(f"{_HEADER}{_SEAL}{seal}\n{body}")
    new.replace(root / LOCK_FILE)


def check_lock(root: Path) -> Lock:
    """Prove that the lock is the tool's own and stands for today's inputs; needs no network.

    Raises:
        AmalgamError: edited by hand, made from other inputs, or its Debian node set is not closed.
    """
    lock = load_lock(root)
    components = load_components(root)
    where = str(root / LOCK_FILE)
    header, _, rest = (root / LOCK_FILE).read_text().partition(_SEAL)
    seal, _, body = rest.partition("\n")
    if header != _HEADER or hashlib.sha256(body.encode()).hexdigest() != seal:
        raise AmalgamError("the lock was edited by hand", where=where, remedy=_REMEDY)
    now = input_digests(root, components)
    stale = sorted(name for name in now.keys() | lock.inputs.keys() if now.get(name) != lock.inputs.get(name))
    if stale:
        raise AmalgamError(f"the lock was made from other inputs: {', '.join(stale)}", where=where, remedy=_REMEDY)
    for arch, packages in lock.debian.items():
        for name, wish in components.debian.sets.items():
            if wish.base:
                missing = unsatisfied({key: pin for key, pin in packages.items() if name in pin.sets})
                if missing:
                    raise AmalgamError(
                        f"Debian set {name} ({arch}) is not closed: {missing[0]}", where=where, remedy=_REMEDY
                    )
    return lock


def input_digests(root: Path, components: Components) -> dict[str, str]:
    """Path -> digest of everything that the lock is made from, or that is written with it.

    Of the page of pins the content counts, so that a reason can be put better without solving everything again.
    """
    paths = [root / components.wheels.requirements]
    paths += sorted(path for path in (root / GO_FILES).rglob("*") if path.is_file())
    digests = {path.relative_to(root).as_posix(): file_sha256(path) for path in paths}
    return {COMPONENTS_FILE: key_of(components.model_dump(by_alias=True, exclude_unset=True)), **digests}


def _component_pin(root: Path, name: str, component: Component) -> ComponentPin:
    releases: dict[str, dict[Arch, ReleasePin]] = {
        program: {
            arch: ReleasePin(
                url=release.url.replace("{arch}", arch), sha256=sha256, member=release.member.replace("{arch}", arch)
            )
            for arch, sha256 in release.sha256.items()
        }
        for program, release in component.release.items()
    }
    go_files: dict[str, Any] = {}
    if component.go:
        folder = root / GO_FILES / name
        go_files = {
            "modules": module_pins(root, name, component.go),
            "go_mod_sha256": file_sha256(folder / "go.mod"),
            "go_sum_sha256": file_sha256(folder / "go.sum"),
        }
    return ComponentPin(
        version=component.version,
        licence=component.licence,
        programs=component.programs,
        releases=releases,
        **go_files,
    )


def _toolchain_pin(toolchain: Toolchain, python: str, arch: Arch) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.json"
        pip(
            *(
                "install",
                "--dry-run",
                "--ignore-installed",
                "--report",
                str(report),
                "--target",
                temporary,
                "--no-deps",
            ),
            *platform_options(python, arch),
            f"{toolchain.pypi}=={toolchain.version}",
        )
        info = json.loads(report.read_text())["install"][0]["download_info"]
    return {
        "version": toolchain.version,
        "package": toolchain.pypi,
        "file": unquote(info["url"].rsplit("/", 1)[-1]),
        "sha256": info["archive_info"]["hashes"]["sha256"],
    }
