"""Debian packages become a root with /usr merged, without running anything of theirs."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from amalgam.bundle.debian import control_stanza
from amalgam.bundle.debs import Debs
from amalgam.bundle.fetch import Fetcher
from amalgam.pins import DebPin, Lock


def package(folder, name, files, links=()):
    root = folder / name
    (root / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: 1\nArchitecture: amd64\nMaintainer: test\nDescription: test\n"
    (root / "DEBIAN" / "control").write_text(control)
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(data)
    for path, target in links:
        (root / path).symlink_to(target)
    deb = folder / f"{name}_1_amd64.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", "-Znone", root, deb], check=True, capture_output=True)
    return deb


@pytest.fixture
def debs(tmp_path):
    fetcher = Fetcher(tmp_path / "downloads")
    made = {
        "shell": package(
            tmp_path,
            "shell",
            {"bin/shell": "#!", "usr/share/doc/shell/copyright": "free", "usr/share/doc/shell/NEWS": "long"},
            [("bin/sh", "shell")],
        ),
        "ca-certificates": package(
            tmp_path,
            "ca-certificates",
            {"usr/share/ca-certificates/mozilla/b.crt": "B\n", "usr/share/ca-certificates/mozilla/a.crt": "A\n"},
        ),
    }
    pins = {}
    for name, path in made.items():
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        fetcher.adopt(name, path, sha256)
        own = "certificates" if name == "ca-certificates" else "tools"
        pins[name] = DebPin(version="1", sha256=sha256, size=path.stat().st_size, file=path.name, sets=[own])
    lock = Lock(
        schema_=1, inputs={}, toolchain={}, components={}, images={}, charts={}, wheels={}, debian={"amd64": pins}
    )
    return Debs(tmp_path, fetcher, lock, "bookworm")


def test_old_top_level_folders_end_up_in_usr_with_a_link_in_their_place(debs, tmp_path):
    entries = {entry.path: entry for entry in debs.unpack("amd64", "tools", tmp_path)}
    assert entries["usr/bin/shell"].source.read_text() == "#!"
    assert entries["usr/bin/sh"].link == "shell"
    assert entries["bin"].link == "usr/bin"
    assert "lib" not in entries


def test_documentation_is_left_out_and_licences_stay(debs, tmp_path):
    paths = {entry.path for entry in debs.unpack("amd64", "tools", tmp_path)}
    assert "usr/share/doc/shell/copyright" in paths
    assert "usr/share/doc/shell/NEWS" not in paths


def test_certificate_authorities_become_one_file_in_a_fixed_order(debs):
    assert debs.certificates("amd64") == b"A\nB\n"


def test_a_sysroot_holds_the_packages_files_and_is_made_once(debs):
    first = debs.sysroot("amd64", ["shell"])
    assert (first / "bin/shell").read_text() == "#!"
    assert debs.sysroot("amd64", ["shell"]) == first


def test_a_sysroot_that_another_process_made_first_is_taken(debs, monkeypatch):
    made, extract = [], subprocess.run

    def other_first(*arguments, **options):
        monkeypatch.setattr(subprocess, "run", extract)
        made.append(debs.sysroot("amd64", ["shell"]))
        return extract(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", other_first)
    assert [debs.sysroot("amd64", ["shell"])] == made
    assert list(made[0].parent.iterdir()) == made


def test_control_data_comes_from_the_package_itself(debs):
    path = debs.paths("amd64", debs.of_set("amd64", "tools"))["shell"]
    assert "Package: shell" in control_stanza(path)
