"""``versions/go/<component>/go.mod`` and ``go.sum``: the modules that programs are built from, with checksums."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from amalgam.bundle.components import Component, GoSource
from amalgam.bundle.programs import GO_FILES
from amalgam.bundle.toolchain import go_environment, run_tool
from amalgam.pins import Arch, GoModulePin


def write_go_module(root: Path, cache: Path, go: Path, name: str, component: Component, arches: list[Arch]) -> None:
    """Write both files of a component; the checksum database vouches for every module that is new.

    Raises:
        AmalgamError: a module cannot be had for one of the architectures.
    """
    source = component.go
    if source is None:
        return
    folder = root / GO_FILES / name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary) / name
        # With the stand-ins for modules that lie beside the two files.
        shutil.copytree(folder, work, ignore=shutil.ignore_patterns("go.sum"))
        (work / "go.mod").write_text(_go_mod(name, source, language_version(go)))
        for arch in arches:
            _resolve(go, work, source, go_environment(cache, arch), name)
        for file in ("go.mod", "go.sum"):
            shutil.copyfile(work / file, folder / file)


def _resolve(go: Path, folder: Path, source: GoSource, environment: dict[str, str], name: str) -> None:
    by_tags: dict[tuple[str, ...], list[str]] = {}
    for program in source.programs.values():
        by_tags.setdefault((*source.tags, *program.tags), []).append(program.package)
    if source.cgo:
        environment = environment | {"CGO_ENABLED": "1"}
    for tags, packages in by_tags.items():
        run_tool(
            [str(go), "list", "-mod=mod", "-deps", "-tags", ",".join(tags), *packages],
            folder=folder,
            environment=environment,
            failed=f"the modules of {name} for {environment['GOARCH']} cannot be had",
            where=f"versions/components.yml: components.{name}",
            remedy="correct the pin, or replace the module that is refused; checksum checks stay on",
        )


def language_version(go: Path) -> str:
    """The first release of the toolchain's minor version, the language version of our module files."""
    text = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    major, minor = text.removeprefix("go").split(".")[:2]
    return f"{major}.{minor}.0"


def module_pins(root: Path, name: str, source: GoSource) -> dict[str, GoModulePin]:
    """The component's own modules with the checksums that its go.sum holds."""
    sums = {
        (module, version): checksum
        for module, version, checksum in (
            line.split() for line in (root / GO_FILES / name / "go.sum").read_text().splitlines()
        )
    }
    return {
        module: GoModulePin(version=version, h1=sums[module, version]) for module, version in source.modules.items()
    }


def _go_mod(name: str, source: GoSource, language: str) -> str:
    requires = "".join(f"\t{module} {version}\n" for module, version in source.modules.items())
    replaces = "".join(f"\t{module} => {target}\n" for module, target in source.replace.items())
    text = f"module amalgam.build/{name}\n\ngo {language}\n\nrequire (\n{requires})\n"
    return text + (f"\nreplace (\n{replaces})\n" if replaces else "")
