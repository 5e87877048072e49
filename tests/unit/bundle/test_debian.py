"""The machine's Debian sources are taken without its other archives; a flat repository is the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from amalgam.bundle.apt import Apt, debian_sources, parse_stanzas
from amalgam.bundle.debian import fetch, require_closed, write_indexes
from amalgam.errors import AmalgamError
from amalgam.pins import DebPin


def etc_apt(folder, **files):
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        path = folder / "sources.list" if name == "main" else folder / "sources.list.d" / name.replace("__", ".")
        path.write_text(text)
    return folder


def test_other_archives_of_the_machine_are_left_out(tmp_path):
    one_line = (
        "deb [arch=amd64 signed-by=/k] file:/debian bookworm main\n"
        "deb file:/cloud cloud-bookworm main\n# deb file:/x bookworm main\n"
    )
    found = debian_sources(etc_apt(tmp_path, main=one_line), "bookworm")
    assert found == {"sources.list": "deb [ signed-by=/k] file:/debian bookworm main\n"}


def test_deb822_sources_keep_the_suites_of_the_release_and_lose_their_architecture(tmp_path):
    entry = (
        "Types: deb\nURIs: file:/debian\nSuites: bookworm trixie bookworm-security\n"
        "Components: main\nArchitectures: amd64\nSigned-By: /k\n"
    )
    other = "Types: deb\nURIs: file:/node\nSuites: nodistro\nComponents: main\n"
    found = debian_sources(etc_apt(tmp_path, debian__sources=f"{entry}\n{other}"), "bookworm")
    (stanza,) = parse_stanzas(found["debian.sources"])
    assert stanza["Suites"] == "bookworm bookworm-security"
    assert stanza["Signed-By"] == "/k"
    assert "Architectures" not in stanza


def test_a_machine_without_the_release_is_told_so(tmp_path):
    with pytest.raises(AmalgamError, match="no apt source for Debian bookworm"):
        debian_sources(etc_apt(tmp_path, main="deb file:/debian trixie main\n"), "bookworm")


def test_a_set_that_is_not_closed_is_refused_with_the_dependency():
    pin = DebPin(version="1", sha256="", size=0, file="", sets=["node"], depends="absent")
    with pytest.raises(AmalgamError, match="a: absent"):
        require_closed({"a": pin}, "node")


def test_the_repositorys_indexes_list_each_package_with_its_digest(tmp_path):
    pins = [DebPin(version="1", sha256=name * 64, size=3, file=f"{name}_1_amd64.deb", sets=["node"]) for name in "ba"]
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        written = write_indexes(tmp_path / folder, [(p, f"Package: {p.file[0]}\n") for p in pins], "bookworm", "amd64")
    packages, compressed, release = written
    stanzas = parse_stanzas(packages.read_text())
    assert [(s["Package"], s["Filename"], s["SHA256"]) for s in stanzas] == [
        ("a", "./a_1_amd64.deb", "a" * 64),
        ("b", "./b_1_amd64.deb", "b" * 64),
    ]
    assert gzip.decompress(compressed.read_bytes()) == packages.read_bytes()
    assert hashlib.sha256(packages.read_bytes()).hexdigest() in release.read_text()
    assert "Codename: bookworm" in release.read_text()
    assert all((tmp_path / "one" / path.name).read_bytes() == path.read_bytes() for path in written)


def test_a_version_that_the_archive_has_dropped_is_to_be_locked_anew(tmp_path, monkeypatch):
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho \"E: Version '1' for 'a' was not found\" >&2; exit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AmalgamError, match="was not found") as caught:
        fetch(
            Apt(tmp_path, tmp_path / "apt.conf"),
            {"a": DebPin(version="1", sha256="0" * 64, size=1, file="a_1_amd64.deb", sets=[])},
            tmp_path,
        )
    assert "make lock" in caught.value.remedy
