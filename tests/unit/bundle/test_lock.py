"""The lock is current, is the tool's own writing, and says so when it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from amalgam.bundle import lock as lock_module
from amalgam.bundle.components import COMPONENTS_FILE, load_components
from amalgam.bundle.lock import check_lock, update_lock, write_lock
from amalgam.bundle.programs import GO_FILES
from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.pins import LOCK_FILE, ReleasePin, load_lock


@pytest.fixture
def checkout(tmp_path):
    root = project_root()
    shutil.copytree(root / "versions", tmp_path / "versions")
    (tmp_path / "requirements").mkdir()
    shutil.copy(root / "requirements/controller.lock", tmp_path / "requirements/controller.lock")
    return tmp_path


def refusal(root):
    with pytest.raises(AmalgamError) as caught:
        check_lock(root)
    assert "amalgam lock update" in caught.value.remedy
    return caught.value.what


def test_the_lock_of_this_checkout_is_current():
    check_lock(project_root())


def test_a_changed_pin_makes_the_lock_stale(checkout):
    path = checkout / COMPONENTS_FILE
    path.write_text(path.read_text().replace("release: bookworm", "release: trixie"))
    assert COMPONENTS_FILE in refusal(checkout)


def test_a_reason_put_better_leaves_the_lock_current(checkout):
    with (checkout / COMPONENTS_FILE).open("a") as stream:
        stream.write("# a better reason\n")
    check_lock(checkout)


@pytest.mark.parametrize("name", ["requirements/controller.lock", f"{GO_FILES}/etcd/go.sum", f"{GO_FILES}/etcd/go.mod"])
def test_every_input_counts(checkout, name):
    with (checkout / name).open("a") as stream:
        stream.write("\n")
    assert name in refusal(checkout)


def test_a_new_file_beside_the_go_modules_counts(checkout):
    (checkout / GO_FILES / "etcd" / "patch.go").write_text("package main\n")
    assert "patch.go" in refusal(checkout)


def test_a_lock_edited_by_hand_is_found(checkout):
    path = checkout / LOCK_FILE
    path.write_text(path.read_text().replace("sha256: ", "sha256:  ", 1).replace("_amd64.deb", "_amd65.deb", 1))
    assert "edited by hand" in refusal(checkout)


def test_a_node_set_with_a_hole_is_refused_even_when_sealed(checkout):
    lock = load_lock(checkout)
    del lock.debian["arm64"]["libsystemd0"]
    write_lock(checkout, lock)
    assert "Debian set node (arm64) is not closed" in refusal(checkout)


def test_writing_what_was_read_gives_the_same_bytes(checkout):
    before = (checkout / LOCK_FILE).read_bytes()
    write_lock(checkout, load_lock(checkout))
    assert (checkout / LOCK_FILE).read_bytes() == before


@pytest.fixture
def solved(monkeypatch):
    """All that asks a registry answers what is locked today."""
    today = load_lock()
    monkeypatch.setattr(lock_module, "_toolchain_pin", lambda _toolchain, _python, arch: today.toolchain["go"][arch])
    monkeypatch.setattr(lock_module, "fetch_go", lambda *_: Path("/nowhere/go"))
    monkeypatch.setattr(lock_module, "write_go_module", lambda *_: None)
    monkeypatch.setattr(lock_module, "solve_wheels", lambda *_: today.wheels)
    monkeypatch.setattr(lock_module, "private_apt", lambda *_: None)
    monkeypatch.setattr(lock_module, "solve_sets", lambda _wishes, _apt, arch: today.debian[arch])


@pytest.mark.usefixtures("solved")
def test_an_upstream_release_is_locked_with_the_address_and_checksum_of_each_architecture(checkout):
    path = checkout / COMPONENTS_FILE
    page = yaml.safe_load(path.read_text())
    page["components"]["crane"]["version"] = "7.8.9"
    page["components"]["crane"]["release"] = {
        "crane": {
            "url": "https://releases.example/v{version}/crane-{arch}.tar.gz",
            "sha256": {"amd64": "a" * 64, "arm64": "b" * 64},
            "member": "linux-{arch}/crane",
        }
    }
    page["components"]["crane"]["go"]["modules"] = {}
    path.write_text(yaml.safe_dump(page))

    lock = update_lock(checkout, checkout / "cache", lambda _: None)

    assert lock.components["crane"].version == "7.8.9"
    assert lock.components["crane"].releases == {
        "crane": {
            arch: ReleasePin(
                url=f"https://releases.example/v7.8.9/crane-{arch}.tar.gz",
                sha256=letter * 64,
                member=f"linux-{arch}/crane",
            )
            for arch, letter in (("amd64", "a"), ("arm64", "b"))
        }
    }
    assert check_lock(checkout) == lock
    path.write_text(path.read_text().replace("b" * 64, "c" * 64))
    assert COMPONENTS_FILE in refusal(checkout)


def test_every_artifact_is_locked_for_both_architectures():
    lock = load_lock()
    components = load_components(project_root())
    arches = set(components.architectures)
    assert arches == {"amd64", "arm64"}
    assert set(lock.toolchain["go"]) == arches
    assert set(lock.debian) == arches
    assert {arch for pin in lock.wheels.values() for arch in pin.arches} == arches
    assert set(lock.components) == set(components.components)
    assert all(set(by_arch) == arches for pin in lock.components.values() for by_arch in pin.releases.values())
    assert all(
        pin.go_sum_sha256 and pin.modules for name, pin in lock.components.items() if components.components[name].go
    )


def test_no_host_name_of_a_registry_stands_in_the_lock():
    lines = (project_root() / LOCK_FILE).read_text().splitlines()
    # An upstream release is named by its address.
    assert [line for line in lines if "://" in line and not line.lstrip().startswith("url: ")] == []
