"""What a bundle holds, as steps that each make or fetch something and say where it goes."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from amalgam.bundle import oci
from amalgam.bundle.components import Components
from amalgam.bundle.debian import control_stanza, write_indexes
from amalgam.bundle.debs import CERTIFICATE_SET, Debs
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.images import FORMAT, Images
from amalgam.bundle.manifest import Artifact, Kind
from amalgam.bundle.programs import Programs
from amalgam.bundle.sbom import write_sbom
from amalgam.bundle.store import Made, Store, key_of
from amalgam.bundle.tar import program_entry, tree_entries, write_tar_gz
from amalgam.bundle.wheels import wheel_paths
from amalgam.pins import Arch, Lock

# The node set is the one that roles install from; the others go into images and programs.
NODE_SET = "node"
BUILT_HERE = "this build"

AnyArch = Arch | Literal["all"]


@dataclass(frozen=True)
class Placed:
    """A file for the bundle: where its bytes are now, and how the manifest is to list it."""

    source: Path | bytes
    artifact: Artifact


@dataclass(frozen=True)
class Step:
    """One line of progress: a name, what it puts into the bundle, and the program it makes, if it makes one."""

    name: str
    run: Callable[[], Iterable[Placed]]
    program: tuple[str, Arch] | None = None


@dataclass(frozen=True)
class Contents:
    """Everything for a bundle of ``arches``."""

    root: Path
    arches: Sequence[Arch]
    lock: Lock
    components: Components
    store: Store
    fetcher: Fetcher
    debs: Debs
    programs: Programs
    images: Images
    layers: dict[str, dict[Arch, list[oci.Layer]]] = field(default_factory=dict)

    def steps(self) -> Iterator[Step]:
        """All steps, in an order in which they can be run."""
        for arch in self.arches:
            yield Step(f"debian {arch}: {len(self.debs.of_set(arch, NODE_SET))} packages", partial(self._debian, arch))
        yield Step("wheels for the controller", self._wheels)
        yield from self._program_steps()
        for arch in self.arches:
            for program in self.components.files:
                yield Step(f"file {program} {arch}", partial(self._file, program, arch))
            for name in self.components.archives:
                yield Step(f"archive {name} {arch}", partial(self._archive, name, arch))
            for name in self.components.images:
                yield Step(f"image {name} {arch}", partial(self._image, name, arch))
        for name in self.components.charts:
            yield Step(f"chart {name}", partial(self._chart, name))
        yield Step("image layout", self._layout)
        yield Step("bill of materials", self._sbom)

    def keys(self) -> set[str]:
        """Keys in the store of everything the bundle is made from."""
        owners = self.components.program_owners()
        found = {self.programs.key(program, arch) for arch in self.arches for program in owners}
        for arch in self.arches:
            found |= {plan.key for image in self.components.images.values() for plan in self.images.plans(image, arch)}
            found |= {self._archive_key(name, arch) for name in self.components.archives}
            found |= {self._control_key(pin.sha256) for pin in self.debs.of_set(arch, NODE_SET).values()}
        return found | {self._chart_key(name) for name in self.components.charts}

    def _program_steps(self) -> Iterator[Step]:
        """Programs that something not yet made needs; in a warm build there are none."""
        for program, arch in sorted(self._programs_needed()):
            version = self.lock.version(self.programs.owner(program))
            if self.store.get(self.programs.key(program, arch)) is None:
                run = partial(self._program, program, arch)
                yield Step(f"program {program} {version} {arch}", run, (program, arch))

    def _programs_needed(self) -> Iterator[tuple[str, Arch]]:
        for arch in self.arches:
            needed = set(self.components.files)
            for name, archive in self.components.archives.items():
                if self.store.get(self._archive_key(name, arch)) is None:
                    needed |= set(archive.programs)
            for image in self.components.images.values():
                for plan in self.images.plans(image, arch):
                    if self.store.get(plan.key) is None:
                        needed |= set(plan.programs)
            yield from ((program, arch) for program in needed)

    def _program(self, program: str, arch: Arch) -> Iterable[Placed]:
        self.programs.get(program, arch)
        return []

    def _debian(self, arch: Arch) -> Iterable[Placed]:
        pins = self.debs.of_set(arch, NODE_SET)
        paths = self.debs.paths(arch, pins)
        for name, pin in pins.items():
            path = f"debian/{arch}/{pin.file}"
            own: AnyArch = "all" if pin.file.endswith("_all.deb") else arch
            made = Made(paths[name], pin.sha256, pin.size, {})
            yield _placed(made, name, pin.version, own, "deb", path, f"debian: {pin.file}")
        controls = [(pin, self._control(paths[name], pin.sha256)) for name, pin in pins.items()]
        with tempfile.TemporaryDirectory() as temporary:
            for index in write_indexes(Path(temporary), controls, self.components.debian.release, arch):
                path = f"debian/{arch}/{index.name}"
                yield self._written(index.read_bytes(), f"debian {arch} {index.name}", arch, "index", path)

    @staticmethod
    def _control_key(sha256: str) -> str:
        return key_of("control", sha256)

    def _control(self, deb: Path, sha256: str) -> str:
        def maker(target: Path) -> dict[str, str]:
            target.write_text(control_stanza(deb))
            return {}

        return self.store.make(self._control_key(sha256), maker).path.read_text()

    def _wheels(self) -> Iterable[Placed]:
        found = wheel_paths(self.root, self.components.wheels, self.lock.wheels, self.arches, self.fetcher)
        for file, path in found.items():
            pin = self.lock.wheels[file]
            own: AnyArch = pin.arches[0] if len(pin.arches) == 1 else "all"
            made = Made(path, pin.sha256, path.stat().st_size, {})
            yield _placed(made, file.split("-", 1)[0], pin.version, own, "wheel", f"wheels/{file}", f"pypi: {file}")

    def _file(self, program: str, arch: Arch) -> Iterable[Placed]:
        made = self.programs.get(program, arch)
        version = self.lock.version(self.programs.owner(program))
        yield _placed(made, program, version, arch, "file", f"files/{arch}/{program}", made.facts["source"])

    def _archive_key(self, name: str, arch: Arch) -> str:
        programs = self.components.archives[name].programs
        return key_of("archive", FORMAT, {path: self.programs.key(program, arch) for program, path in programs.items()})

    def _archive(self, name: str, arch: Arch) -> Iterable[Placed]:
        archive = self.components.archives[name]

        def maker(target: Path) -> dict[str, str]:
            places = archive.programs.items()
            write_tar_gz(target, [program_entry(path, self.programs.get(name, arch).path) for name, path in places])
            return {}

        made = self.store.make(self._archive_key(name, arch), maker)
        version = self.lock.version(archive.component)
        source = f"programs: {', '.join(archive.programs)}"
        yield _placed(made, name, version, arch, "archive", f"archives/{arch}/{name}.tar.gz", source)

    def _chart_key(self, name: str) -> str:
        chart = self.components.charts[name]
        return key_of("chart", FORMAT, chart.path, self.lock.components[chart.component].modules[chart.module].h1)

    def _chart(self, name: str) -> Iterable[Placed]:
        chart = self.components.charts[name]

        def maker(target: Path) -> dict[str, str]:
            folder = self.programs.module_folder(chart.component, chart.module) / chart.path
            write_tar_gz(target, tree_entries(folder, name))
            return {}

        made = self.store.make(self._chart_key(name), maker)
        version = self.lock.charts[name]
        source = f"go: {chart.module}/{chart.path}"
        yield _placed(made, f"{name} chart", version, "all", "chart", f"charts/{name}-{version}.tgz", source)

    def _image(self, name: str, arch: Arch) -> Iterable[Placed]:
        image = self.components.images[name]
        layers = self.layers.setdefault(name, {}).setdefault(arch, [])
        for plan in self.images.plans(image, arch):
            layer, made = self.images.layer(image, plan, arch)
            layers.append(layer)
            path = f"images/blobs/sha256/{made.sha256}"
            yield _placed(made, f"{name} image, {plan.comment}", image.tag, arch, "image", path, plan.comment)

    def _layout(self) -> Iterable[Placed]:
        tops: list[oci.Descriptor] = []
        for name, image in self.components.images.items():
            blobs = oci.Blobs()
            run = self.images.run_config(image)
            manifests = [oci.add_image(blobs, arch, layers, run) for arch, layers in self.layers[name].items()]
            tops.append(oci.add_index(blobs, manifests, f"{image.repository}:{image.tag}"))
            for digest, data in blobs.data.items():
                path = f"images/blobs/sha256/{digest}"
                yield self._written(data, f"{name} image", "all", "image", path, image.tag)
        for file, data in oci.layout_files(tops).items():
            yield self._written(data, f"image layout {file}", "all", "index", f"images/{file}")

    def _sbom(self) -> Iterable[Placed]:
        modules: dict[str, list[list[str]]] = {}
        for program, owner in self.components.program_owners().items():
            for arch in self.arches:
                made = self.store.get(self.programs.key(program, arch)) or self.programs.get(program, arch)
                modules.setdefault(owner, []).extend(made.facts["modules"])

        sets = sorted({NODE_SET, CERTIFICATE_SET, *(image.debian for image in self.components.images.values())} - {""})

        def maker(target: Path) -> dict[str, str]:
            target.write_text(write_sbom(self.lock, self.arches, modules, sets))
            return {}

        made = self.store.make(key_of("sbom", FORMAT, self.lock.digest(), list(self.arches), modules, sets), maker)
        yield _placed(made, "bill of materials", self._version, "all", "index", "sbom.cdx.json", BUILT_HERE)

    @property
    def _version(self) -> str:
        return self.lock.digest()[:12]

    def _written(
        self, data: bytes, name: str, arch: AnyArch, kind: Kind, path: str, version: str | None = None
    ) -> Placed:
        artifact = Artifact(
            name=name,
            version=version or self._version,
            arch=arch,
            kind=kind,
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            source=BUILT_HERE,
        )
        return Placed(data, artifact)


def _placed(made: Made, name: str, version: str, arch: AnyArch, kind: Kind, path: str, source: str) -> Placed:
    artifact = Artifact(
        name=name, version=version, arch=arch, kind=kind, path=path, sha256=made.sha256, size=made.size, source=source
    )
    return Placed(made.path, artifact)
