"""Programs: an upstream release where one is pinned, else built from source with the locked toolchain."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from amalgam.bundle.components import Component, Components, GoSource
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.patched import COPIES, write_patched
from amalgam.bundle.store import Made, Store, file_sha256, key_of
from amalgam.bundle.toolchain import fetch_go, go_environment, run_tool
from amalgam.errors import AmalgamError
from amalgam.pins import Arch, Lock, ReleasePin

TRIPLETS: dict[Arch, str] = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
GO_FILES = "versions/go"


@dataclass(frozen=True)
class GoCall:
    """A ``go`` command, where it is to run, and in which environment."""

    command: list[str]
    folder: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class Programs:
    """Makes every program of ``components``.

    ``sysroot``: gives, for an architecture and Debian package names, a folder with their files.
    """

    root: Path
    cache: Path
    store: Store
    fetcher: Fetcher
    components: Components
    lock: Lock
    host: Arch
    sysroot: Callable[[Arch, list[str]], Path]

    @cached_property
    def _owners(self) -> dict[str, str]:
        return self.components.program_owners()

    @cached_property
    def go(self) -> Path:
        """The ``go`` command."""
        return fetch_go(self.fetcher, self.cache / "tools", self.lock.toolchain["go"][self.host])

    def owner(self, program: str) -> str:
        """The component that a program belongs to."""
        return self._owners[program]

    def key(self, program: str, arch: Arch) -> str:
        """The store's key: all that goes into the program."""
        name = self.owner(program)
        component = self.components.components[name]
        release = self._pinned_release(program, arch)
        if release:
            return key_of("release", program, arch, release.model_dump())
        parts: list[Any] = ["program", program, arch, component.model_dump(exclude={"licence", "release"})]
        for source in sorted({name, component.c.component if component.c else name}):
            pin = self.lock.components[source]
            parts += [pin.go_mod_sha256, pin.go_sum_sha256, {key: pin.h1 for key, pin in pin.modules.items()}]
        if component.go:
            parts.append(self.lock.toolchain["go"])
            parts.append([file_sha256(path) for path in sorted((self.root / GO_FILES / name).glob("*/*"))])
        if component.go and component.go.cgo:
            parts.append({package: self.lock.debian[arch][package].sha256 for package in component.go.cgo.packages})
        return key_of(*parts)

    def get(self, program: str, arch: Arch) -> Made:
        """The program, made now where the store lacks it.

        Raises:
            AmalgamError: it cannot be downloaded or built.
        """
        name = self.owner(program)
        component = self.components.components[name]

        def maker(target: Path) -> dict[str, Any]:
            release = self._pinned_release(program, arch)
            if release:
                return self._release(program, release, arch, target)
            if component.go:
                return self._go(program, name, component, arch, target)
            return self._c(program, component, arch, target)

        return self.store.make(self.key(program, arch), maker)

    def listing(self, program: str, arch: Arch, *, compiled: bool) -> GoCall | None:
        """A call that downloads the modules of a program built by Go or, ``compiled``, leaves only linking to be done.

        Nothing where there is nothing to be done so: with C's headers, or in sources yet to be patched.

        Raises:
            AmalgamError: there is no toolchain.
        """
        name = self.owner(program)
        source = self.components.components[name].go
        if source is None or self._pinned_release(program, arch) or (compiled and (source.cgo or source.patches)):
            return None
        arguments = ["list", "-deps", *(["-export"] if compiled else []), *_package_flags(source, program)]
        extra = {"CGO_ENABLED": "1"} if source.cgo else {}
        return self._go_call([*arguments, source.programs[program].package], name, arch, extra)

    def module_folder(self, component: str, module: str) -> Path:
        """The unpacked sources of a module of the Go proxy, checked against go.sum.

        Raises:
            AmalgamError: it cannot be downloaded, or its checksum differs.
        """
        version = self._run_go(["list", "-m", "-f", "{{.Version}}", module], component, self.host, {}).strip()
        text = self._run_go(["mod", "download", "-json", f"{module}@{version}"], component, self.host, {})
        return Path(json.loads(text)["Dir"])

    def _pinned_release(self, program: str, arch: Arch) -> ReleasePin | None:
        return self.lock.components[self.owner(program)].releases.get(program, {}).get(arch)

    def _release(self, program: str, pin: ReleasePin, arch: Arch, target: Path) -> dict[str, Any]:
        path = f"releases/{arch}/{Path(pin.url).name}"
        found = self.fetcher.fetch(program, pin.sha256, mirror_path=path, url=pin.url)
        if found is None:
            raise AmalgamError(f"no source has {program} for {arch}", where=pin.url, remedy="give a mirror that has it")
        if not pin.member:
            shutil.copyfile(found[0], target)
        else:
            with tarfile.open(found[0]) as archive:
                member = archive.extractfile(pin.member)
                if member is None:
                    raise AmalgamError(
                        f"no {pin.member} in the release", where=pin.url, remedy="correct components.yml"
                    )
                with member, target.open("wb") as stream:
                    shutil.copyfileobj(member, stream)
        target.chmod(0o755)
        return {"source": f"{found[1]} of {pin.url}", "modules": []}

    def _go(self, program: str, name: str, component: Component, arch: Arch, target: Path) -> dict[str, Any]:
        source = component.go
        if source is None:
            raise ValueError(name)
        flags = " ".join(["-s", "-w", *[f"-X {variable}={value}" for variable, value in source.stamps.items()]])
        extra: dict[str, str] = {}
        if source.cgo:
            # What is found in that library only then must not be looked for at the start.
            # The build's id would tell in which folder the cache lies: elsewhere the same sources would be other bytes.
            flags += " -buildid= -extldflags " + ("-static" if source.cgo.static else "-Wl,-z,lazy")
            extra = self._cgo_environment(arch, source.cgo.packages)
        arguments = ["build", *_package_flags(source, program), "-ldflags", flags]
        arguments += ["-o", str(target), source.programs[program].package]
        if source.patches:
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary) / name
                modules = partial(self.module_folder, name)
                write_patched(self.root / GO_FILES / name, folder, source.patches, modules)
                self._run_go(arguments, name, arch, extra, folder)
        else:
            self._run_go(arguments, name, arch, extra)
        made = "go, patched" if source.patches else "go"
        return {"source": f"{made}: {source.programs[program].package}", "modules": self._modules(target)}

    def _cgo_environment(self, arch: Arch, packages: list[str]) -> dict[str, str]:
        environment = {"CGO_ENABLED": "1", "CC": f"{TRIPLETS[arch]}-gcc"}
        if not packages:
            return environment
        sysroot = self.sysroot(arch, packages)
        return environment | {
            "PKG_CONFIG_LIBDIR": str(sysroot / "usr/lib" / TRIPLETS[arch] / "pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": str(sysroot),
        }

    def _modules(self, program: Path) -> list[list[str]]:
        """Modules linked into a Go program: path, version, h1 checksum (empty for replacements by a folder).

        A patched module is what it was made from.
        """
        text = subprocess.run([self.go, "version", "-m", program], capture_output=True, text=True, check=True).stdout
        modules: list[list[str]] = []
        for line in text.splitlines():
            kind, *fields = line.strip().split("\t")
            if kind == "dep":
                modules.append([*fields, "", ""][:3])
            elif kind == "=>" and modules and not fields[0].startswith(f"./{COPIES}/"):
                modules[-1] = [*fields, "", ""][:3]
        return modules

    def _c(self, program: str, component: Component, arch: Arch, target: Path) -> dict[str, Any]:
        source = component.c
        if source is None:
            raise ValueError(program)
        folder = self.module_folder(source.component, source.module)
        files = [str(folder / path) for path in source.programs[program].sources]
        command = [
            f"{TRIPLETS[arch]}-gcc",
            *source.flags,
            "-static",
            "-s",
            "-Wl,--build-id=none",
            "-o",
            str(target),
            *files,
        ]
        _build(command, folder, None, program)
        return {"source": f"c: {source.module}", "modules": []}

    def _run_go(
        self, arguments: list[str], component: str, arch: Arch, extra: dict[str, str], folder: Path | None = None
    ) -> str:
        """Run ``go`` in ``folder``, or beside the component's module files."""
        call = self._go_call(arguments, component, arch, extra)
        return _build(call.command, folder or call.folder, call.environment, component)

    def _go_call(self, arguments: list[str], component: str, arch: Arch, extra: dict[str, str]) -> GoCall:
        environment = go_environment(self.cache, arch) | extra
        return GoCall([str(self.go), *arguments], self.root / GO_FILES / component, environment)


def _package_flags(source: GoSource, program: str) -> list[str]:
    """What a package is compiled by: with other flags Go's cache holds another package."""
    return ["-mod=readonly", "-trimpath", "-tags", ",".join([*source.tags, *source.programs[program].tags])]


def _build(command: list[str], folder: Path, environment: dict[str, str] | None, what: str) -> str:
    return run_tool(
        command,
        folder=folder,
        environment=environment,
        failed=f"building {what} failed",
        where=f"{folder}: {' '.join(command[:2])}",
        remedy="correct the cause above and run the same command again: what is built stays built",
    )
