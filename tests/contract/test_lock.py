"""What the lock holds, it holds for both architectures, and what is asked of it is there.

Seen in peers: checksums for amd64 only, checked on one host of a mixed fleet; a name of an image that the list of
images lacks, found by the first site without an Internet connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from amalgam.pins import Arch, Lock, load_lock
from tests.contract.repository import ROOT, files_below, text

ARCHITECTURES = set(get_args(Arch))

# Kind and name of an artifact -> why it is for one architecture only.
ONE_ARCHITECTURE = {
    "debian binutils-aarch64-linux-gnu": "its name says so: the other architecture has a package of its own",
    "debian binutils-x86-64-linux-gnu": "its name says so: the other architecture has a package of its own",
    "debian ceph-fuse": "Debian builds it for amd64 alone of the two (docs/limits.md, storage)",
    "debian dmidecode": "a dependency for amd64 only: arm64 servers have no such tables in memory to read",
    "debian libmfx1": "drives a unit of Intel's processors",
    "debian libquadmath0": "GCC has it where its widest number is narrower than that of arm64",
}

_ASKED = re.compile(r"\bpins\.(images|versions)(?:\.(\w+)|\[\s*['\"]([^'\"]+)['\"]\s*\])")


@pytest.fixture(scope="module")
def lock() -> Lock:
    return load_lock(ROOT)


def _artifacts(lock: Lock) -> Iterator[tuple[str, str, set[str]]]:
    """Kind, name with version, and architectures of each artifact that is not the same bytes everywhere."""
    for name, tools in lock.toolchain.items():
        yield "toolchain", name, set(tools)
    for component, pin in lock.components.items():
        yield from (("release", f"{component} {file}", set(pins)) for file, pins in pin.releases.items())
    debian = {(name, pin.version) for packages in lock.debian.values() for name, pin in packages.items()}
    for name, version in debian:
        holders = {
            arch for arch, packages in lock.debian.items() if name in packages and packages[name].version == version
        }
        yield "debian", f"{name} {version}", holders
    wheels: dict[str, set[str]] = {}
    for file, wheel in lock.wheels.items():
        wheels.setdefault(f"{file.partition('-')[0]} {wheel.version}", set()).update(wheel.arches)
    yield from (("wheel", name, arches) for name, arches in wheels.items())


def _key(kind: str, name: str) -> str:
    """Kind and name, without the version."""
    return f"{kind} {name.split()[0]}"


def test_every_artifact_is_there_for_both_architectures(lock: Lock) -> None:
    artifacts = list(_artifacts(lock))
    assert {kind for kind, _, _ in artifacts} >= {"toolchain", "debian", "wheel"}
    lacking = [(_key(kind, name), name, arches) for kind, name, arches in artifacts if arches != ARCHITECTURES]
    assert [f"{name}: {sorted(arches)}" for key, name, arches in lacking if key not in ONE_ARCHITECTURE] == []


def test_an_exception_is_still_one_and_has_a_reason(lock: Lock) -> None:
    single = {_key(kind, name) for kind, name, arches in _artifacts(lock) if arches != ARCHITECTURES}
    assert set(ONE_ARCHITECTURE) <= single
    assert all(len(reason) > 20 for reason in ONE_ARCHITECTURE.values())


def test_every_artifact_has_a_checksum(lock: Lock) -> None:
    sums = [pin.sha256 for packages in lock.debian.values() for pin in packages.values()]
    sums += [wheel.sha256 for wheel in lock.wheels.values()]
    sums += [tool["sha256"] for tools in lock.toolchain.values() for tool in tools.values()]
    sums += [
        release.sha256
        for pin in lock.components.values()
        for pins in pin.releases.values()
        for release in pins.values()
    ]
    assert [digest for digest in sums if not re.fullmatch("[0-9a-f]{64}", digest)] == []
    modules = [module.h1 for pin in lock.components.values() for module in pin.modules.values()]
    assert modules
    assert [digest for digest in modules if not re.fullmatch(r"h1:[A-Za-z0-9+/]{43}=", digest)] == []


def test_every_component_says_its_licence(lock: Lock) -> None:
    assert [name for name, pin in lock.components.items() if not pin.licence] == []


def test_no_image_is_pinned_by_a_moving_tag(lock: Lock) -> None:
    assert [name for name, pin in lock.images.items() if not re.search(r"\d+\.\d+\.\d+", pin.tag)] == []


@cache
def _asked() -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {"images": set(), "versions": set()}
    for file in files_below("playbooks", "roles", "inventories", suffixes=(".yml", ".j2")):
        for kind, name, quoted in _ASKED.findall(text(file)):
            found[kind].add((str(file), name or quoted))
    return found


def test_every_pin_that_playbooks_ask_for_is_in_the_lock(lock: Lock) -> None:
    assert _asked()["images"]
    assert _asked()["versions"]
    assert sorted((file, name) for file, name in _asked()["images"] if name not in lock.images) == []
    assert sorted((file, name) for file, name in _asked()["versions"] if name not in lock.versions()) == []


def test_the_controllers_own_packages_are_the_locked_ones(lock: Lock) -> None:
    wanted = dict(re.findall(r"^([\w.-]+)==(\S+)", text(Path("requirements/controller.lock")), re.MULTILINE))
    held = {file.partition("-")[0].replace("_", "-").lower(): wheel.version for file, wheel in lock.wheels.items()}
    assert {name.replace("_", "-").replace(".", "-").lower(): version for name, version in wanted.items()} == held
