"""Container images out of programs, Debian packages and files of a module, a layer for each."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from amalgam.bundle.components import Components, Image
from amalgam.bundle.debs import CERTIFICATE_SET, Debs
from amalgam.bundle.oci import Layer, RunConfig
from amalgam.bundle.programs import Programs
from amalgam.bundle.store import Made, Store, key_of
from amalgam.bundle.tar import Entry, folder, program_entry, tree_entries, write_layer
from amalgam.pins import Arch

# Counts up when the same inputs are to give other bytes than before.
FORMAT = 1

_BASE_FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n",
    "etc/group": b"root:x:0:\nnonroot:x:65532:\n",
    "etc/nsswitch.conf": b"hosts: files dns\n",
}


@dataclass(frozen=True)
class LayerPlan:
    """A layer not yet written: its key in the store, what kind of things it holds, and the programs it needs."""

    key: str
    kind: Literal["base", "debian", "files", "program"]
    comment: str
    programs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Images:
    """Makes the layers of every image."""

    components: Components
    programs: Programs
    debs: Debs
    store: Store

    def plans(self, image: Image, arch: Arch) -> list[LayerPlan]:
        """The layers of an image, lowest first."""
        certificates = self._set_digest(arch, CERTIFICATE_SET)
        key = key_of("base", FORMAT, certificates, sorted(_BASE_FILES.items()))
        plans = [LayerPlan(key, "base", "certificates and users")]
        if image.debian:
            key = key_of("debian", FORMAT, self._set_digest(arch, image.debian))
            plans.append(LayerPlan(key, "debian", f"Debian packages for {image.debian}"))
        if image.module_files or image.links:
            modules = [pin.h1 for pin in self.debs.lock.components[image.component].modules.values()]
            parts = (modules, image.module_files, image.exclude, image.links)
            plans.append(LayerPlan(key_of("files", FORMAT, *parts), "files", f"files of {image.component}"))
        for program, path in image.programs.items():
            key = key_of("program", FORMAT, self.programs.key(program, arch), path)
            plans.append(LayerPlan(key, "program", program, (program,)))
        return plans

    def layer(self, image: Image, plan: LayerPlan, arch: Arch) -> tuple[Layer, Made]:
        """Write one planned layer, where the store lacks it."""

        def maker(target: Path) -> dict[str, Any]:
            with tempfile.TemporaryDirectory() as temporary:
                return {"diff_id": write_layer(target, self._entries(image, plan, arch, Path(temporary)))}

        made = self.store.make(plan.key, maker)
        return Layer(made.path, made.sha256, made.size, made.facts["diff_id"], plan.comment), made

    def run_config(self, image: Image) -> RunConfig:
        """How containers of an image start."""
        component = self.components.components[image.component]
        labels = {
            "org.opencontainers.image.version": component.version,
            "org.opencontainers.image.licenses": component.licence,
        }
        return RunConfig(image.entrypoint, image.command, image.user, image.workdir, labels)

    def _entries(self, image: Image, plan: LayerPlan, arch: Arch, scratch: Path) -> Iterable[Entry]:
        if plan.kind == "debian":
            return self.debs.unpack(arch, image.debian, scratch)
        if plan.kind == "files":
            return self._module_entries(image)
        if plan.kind == "program":
            return [program_entry(image.programs[name], self.programs.get(name, arch).path) for name in plan.programs]
        certificates = Entry("etc/ssl/certs/ca-certificates.crt", data=self.debs.certificates(arch))
        files = [Entry(path, data=data) for path, data in _BASE_FILES.items()]
        return [*files, certificates, folder("tmp", 0o1777)]

    def _module_entries(self, image: Image) -> Iterable[Entry]:
        links = [Entry(path, 0o777, link=target) for path, target in image.links.items()]
        if not image.module_files:
            return links
        (module,) = self.debs.lock.components[image.component].modules
        source = self.programs.module_folder(image.component, module)
        files = [
            entry
            for path, target in image.module_files.items()
            for entry in tree_entries(source / path, target, image.exclude)
        ]
        return [*links, *files]

    def _set_digest(self, arch: Arch, set_name: str) -> list[str]:
        return sorted(pin.sha256 for pin in self.debs.of_set(arch, set_name).values())
