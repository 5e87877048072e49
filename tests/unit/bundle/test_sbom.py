"""The bill of materials names every part with version, package address and checksum."""

from __future__ import annotations

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from amalgam.bundle.sbom import write_sbom
from amalgam.pins import load_lock

MODULES = {
    "etcd": [["go.uber.org/zap", "v1.0.0", "h1:6rDlT7L6WsLZqvJYGcJ2bJ8F8m1zkHk0hB0v7cQvY5E="], ["./local", "", ""]]
}
SETS = ["node", "shell"]


@pytest.fixture(scope="module")
def text():
    return write_sbom(load_lock(), ["amd64"], MODULES, SETS)


@pytest.fixture(scope="module")
def components(text):
    return {entry["purl"]: entry for entry in json.loads(text)["components"] if "purl" in entry}


def test_the_bill_is_strictly_of_the_form_that_cyclonedx_wants(text):
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"purl"', '"address"', 1)) is not None


def test_pinned_modules_carry_licence_and_checksum(components):
    version = load_lock().components["containerd"].modules["github.com/containerd/containerd/v2"].version
    entry = components[f"pkg:golang/github.com/containerd/containerd/v2@{version}"]
    assert entry["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert len(entry["hashes"][0]["content"]) == 64


def test_modules_linked_into_programs_are_listed(components):
    assert components["pkg:golang/go.uber.org/zap@v1.0.0"]["version"] == "v1.0.0"


def test_debian_packages_and_wheels_of_the_architectures_built_are_listed(components):
    assert any(purl.startswith("pkg:deb/debian/systemd@") and "arch=amd64" in purl for purl in components)
    assert not any("arch=arm64" in purl for purl in components)
    assert any(purl.startswith("pkg:pypi/ansible-core@") for purl in components)
    assert not any("aarch64" in purl for purl in components)


def test_a_debian_package_that_only_helped_to_build_is_not_listed(components):
    packages = load_lock().debian["amd64"]
    assert packages["libseccomp-dev"].sets == ["build"]
    listed = {entry["name"] for purl, entry in components.items() if purl.startswith("pkg:deb/")}
    assert listed == {name for name, pin in packages.items() if set(pin.sets) & set(SETS)}


def test_every_image_is_listed_as_a_container(text):
    containers = [entry for entry in json.loads(text)["components"] if entry["type"] == "container"]
    assert {(entry["name"], entry["version"]) for entry in containers} == {
        (pin.repository, pin.tag) for pin in load_lock().images.values()
    }


def test_the_same_bundle_has_the_same_bill(text):
    assert write_sbom(load_lock(), ["amd64"], MODULES, SETS) == text
