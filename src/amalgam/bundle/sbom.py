"""The bill of materials of a bundle, in CycloneDX: https://cyclonedx.org/docs/1.6/json/."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from amalgam.pins import Arch, Lock

_NAMESPACE = uuid.UUID("0b7f4b55-9d6c-5c5a-8f5e-3a9ac2a9f0d1")


def write_sbom(
    lock: Lock, arches: Iterable[Arch], modules: Mapping[str, Iterable[list[str]]], debian_sets: Collection[str]
) -> str:
    """The bill of materials as JSON; the same bundle gives the same text.

    Args:
        lock: what the bundle was made from.
        arches: architectures in the bundle.
        modules: component -> Go modules linked into its programs, each as path, version, h1 checksum.
        debian_sets: sets whose packages are in the bundle, as such or in an image; others only helped to build it.
    """
    wanted = list(arches)
    found: dict[str, Component] = {}
    debian = _debian(lock, wanted, debian_sets)
    for component in (*_components(lock), *_images(lock), *debian, *_wheels(lock, wanted), *_modules(modules)):
        found.setdefault(str(component.bom_ref.value), component)
    root = Component(name="amalgam-bundle", version=lock.digest()[:12], type=ComponentType.PLATFORM, bom_ref="bundle")
    metadata = BomMetaData(component=root, timestamp=datetime(1970, 1, 1, tzinfo=UTC))
    serial = uuid.uuid5(_NAMESPACE, f"{lock.digest()} {' '.join(wanted)}")
    bom = Bom(components=list(found.values()), metadata=metadata, serial_number=serial)
    bom.register_dependency(root, found.values())
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _component(purl: PackageURL, *, sha256: str = "", licence: str = "") -> Component:
    return Component(
        name=f"{purl.namespace}/{purl.name}" if purl.namespace and purl.type == "golang" else purl.name,
        version=purl.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else [],
        licenses=[DisjunctiveLicense(id=licence)] if licence else [],
    )


def _golang(module: str, version: str) -> PackageURL:
    namespace, _, name = module.rpartition("/")
    return PackageURL("golang", namespace or None, name, version)


def _h1(checksum: str) -> str:
    """Go's ``h1:`` is the base64 of a sha256 (over the module's file list): https://go.dev/ref/mod#go-sum-files."""
    return base64.b64decode(checksum.removeprefix("h1:")).hex() if checksum.startswith("h1:") else ""


def _components(lock: Lock) -> Iterable[Component]:
    for name, pin in lock.components.items():
        if not pin.modules:
            yield _component(PackageURL("generic", None, name, pin.version), licence=pin.licence)
        for module, version in pin.modules.items():
            yield _component(_golang(module, version.version), sha256=_h1(version.h1), licence=pin.licence)


def _modules(modules: Mapping[str, Iterable[list[str]]]) -> Iterable[Component]:
    for name in sorted(modules):
        for path, version, checksum in sorted(modules[name]):
            if version:
                yield _component(_golang(path, version), sha256=_h1(checksum))


def _images(lock: Lock) -> Iterable[Component]:
    # Without a package address: that of an image is the digest of one build of it, in a registry with a name.
    for pin in lock.images.values():
        reference = f"image:{pin.repository}:{pin.tag}"
        yield Component(name=pin.repository, version=pin.tag, type=ComponentType.CONTAINER, bom_ref=reference)


def _debian(lock: Lock, arches: list[Arch], sets: Collection[str]) -> Iterable[Component]:
    for arch in arches:
        packages = {name: pin for name, pin in lock.debian[arch].items() if set(pin.sets) & set(sets)}
        for name, pin in packages.items():
            own = "all" if pin.file.endswith("_all.deb") else arch
            purl = PackageURL("deb", "debian", name, pin.version, {"arch": own})
            yield _component(purl, sha256=pin.sha256)


def _wheels(lock: Lock, arches: list[Arch]) -> Iterable[Component]:
    for file, pin in lock.wheels.items():
        if set(pin.arches) & set(arches):
            name = file.split("-", 1)[0].replace("_", "-").lower()
            yield _component(PackageURL("pypi", None, name, pin.version, {"file_name": file}), sha256=pin.sha256)
