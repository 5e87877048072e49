"""bundle_archive against a local HTTPS server with a test authority."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from amalgam.on_host import tree_files


@pytest.fixture
def archive(server, call, tmp_path):
    """Serve archives and unpack them to ``tmp_path/out``."""

    class Archive:
        def serve(self, files: dict[str, str], *, kind: bytes = tarfile.REGTYPE) -> dict[str, object]:
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w:gz") as tar:
                for path, text in files.items():
                    member = tarfile.TarInfo(path)
                    member.size, member.mode, member.type = len(text), 0o755, kind
                    tar.addfile(member, io.BytesIO(text.encode()))
            server.answers[("GET", "/node.tar.gz")] = (200, {}, packed.getvalue())
            return {
                "name": "node",
                "url": f"{server.url}/node.tar.gz",
                "sha256": hashlib.sha256(packed.getvalue()).hexdigest(),
                "ca_path": str(server.ca_path),
                "dest": str(tmp_path / "out"),
            }

        def run(self, arguments: dict, *, check: bool = False) -> dict:
            return call("bundle_archive", {"rules": []} | arguments, check=check)

    return Archive()


FILES = {"./usr/local/bin/runc": "runc 1", "opt/cni/bin/bridge": "bridge 1"}


def test_files_arrive_and_the_second_run_asks_for_nothing(archive, server, tmp_path):
    arguments = archive.serve(FILES)
    first = archive.run(arguments)
    assert first["changed_paths"] == ["usr/local/bin/runc", "opt/cni/bin/bridge"], first
    runc = tmp_path / "out/usr/local/bin/runc"
    assert (runc.read_text(), runc.stat().st_mode & 0o7777) == ("runc 1", 0o755)
    assert archive.run(arguments)["changed"] is False
    assert archive.run(arguments, check=True)["changed"] is False
    assert server.asked == [("GET", "/node.tar.gz")]


def test_only_files_that_drifted_are_put_right(archive, tmp_path):
    arguments = archive.serve(FILES)
    archive.run(arguments)
    (tmp_path / "out/usr/local/bin/runc").write_text("runc X")
    # Older kernels give two writes within 4 ms the same time.
    os.utime(tmp_path / "out/usr/local/bin/runc", ns=(0, 0))
    (tmp_path / "out/opt/cni/bin/bridge").chmod(0o644)
    assert sorted(archive.run(arguments, check=True)["changed_paths"]) == ["opt/cni/bin/bridge", "usr/local/bin/runc"]
    assert (tmp_path / "out/usr/local/bin/runc").read_text() == "runc X"
    (tmp_path / "out/opt/cni/bin/bridge").chmod(0o755)
    assert archive.run(arguments)["changed_paths"] == ["usr/local/bin/runc"]
    assert (tmp_path / "out/usr/local/bin/runc").read_text() == "runc 1"
    (tmp_path / "out/opt/cni/bin/bridge").unlink()
    assert archive.run(arguments)["changed_paths"] == ["opt/cni/bin/bridge"]


def test_a_new_version_replaces_what_differs_and_removes_what_it_lacks(archive, tmp_path):
    archive.run(archive.serve(FILES | {"opt/cni/bin/old": "gone soon"}))
    before = (tmp_path / "out/opt/cni/bin/bridge").stat().st_ino
    second = archive.run(archive.serve(FILES | {"./usr/local/bin/runc": "runc 2"}))
    assert second["changed_paths"] == ["usr/local/bin/runc", "opt/cni/bin/old"]
    assert (tmp_path / "out/usr/local/bin/runc").read_text() == "runc 2"
    assert not (tmp_path / "out/opt/cni/bin/old").exists()
    assert (tmp_path / "out/opt/cni/bin/bridge").stat().st_ino == before


def test_check_mode_predicts_on_a_bare_host_and_does_not_ask_the_server(archive, server, tmp_path):
    predicted = archive.run(archive.serve(FILES) | {"rules": [["opt/.+", ["Say"]]]}, check=True)
    assert (predicted["changed"], predicted["notify"]) == (True, ["Say"])
    assert not (tmp_path / "out").exists()
    assert server.asked == []


def test_changed_bytes_are_refused_and_nothing_is_unpacked(archive, tmp_path):
    arguments = archive.serve(FILES)
    archive.serve(FILES | {"opt/cni/bin/evil": "x"})
    refused = archive.run(arguments)
    assert refused["failed"]
    assert f"wanted {arguments['sha256']}" in refused["msg"]
    assert not (tmp_path / "out/opt").exists()


def test_another_authority_is_refused_at_once(archive, server, certificates):
    refused = archive.run(archive.serve(FILES) | {"ca_path": str(certificates.other_ca)})
    assert refused["failed"]
    assert "certificate" in refused["msg"]
    assert server.asked == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "http://127.0.0.1/x"}, "is not served over HTTPS"),
        ({"sha256": "abc"}, "is not 64 hex digits"),
        ({"name": "../node"}, "is no plain name"),
        ({"ca_path": "/nowhere/ca.crt"}, "place the site's CA certificate first"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(archive, change, message):
    refused = archive.run(archive.serve(FILES) | change)
    assert refused["failed"]
    assert message in refused["msg"]


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("../../escape", tarfile.REGTYPE, "is not a path inside"),
        ("etc/link", tarfile.SYMTYPE, "no regular file"),
        ("dev/null", tarfile.CHRTYPE, "no regular file"),
    ],
)
def test_members_that_are_no_plain_files_inside_are_refused(archive, tmp_path, path, kind, message):
    refused = archive.run(archive.serve({"opt/first": "fine"}) | archive.serve({path: ""}, kind=kind))
    assert refused["failed"]
    assert message in refused["msg"]
    assert not [file for file in (tmp_path / "out").rglob("*") if file.is_file()]


def test_a_run_killed_after_some_files_is_finished_by_the_next(archive, tmp_path, monkeypatch):
    arguments = archive.serve(FILES)
    real = tree_files.put_in_place
    placed: list[Path] = []

    def die_at_the_third(path: Path) -> None:
        # The download is the first, one file the second.
        if len(placed) == 2:
            raise KeyboardInterrupt
        placed.append(path)
        real(path)

    monkeypatch.setattr(tree_files, "put_in_place", die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        archive.run(arguments)
    monkeypatch.undo()
    assert (tmp_path / "out/usr/local/bin/runc").exists()
    assert not (tmp_path / "out/var/lib/amalgam/archives/node.json").exists()
    assert archive.run(arguments)["changed_paths"] == ["opt/cni/bin/bridge"]
    record = json.loads((tmp_path / "out/var/lib/amalgam/archives/node.json").read_text())
    assert set(record["files"]) == {"usr/local/bin/runc", "opt/cni/bin/bridge"}
    assert not list((tmp_path / "out").rglob(".*"))


def test_handlers_run_by_path_and_a_glob_without_a_file_is_refused_before_anything_is_placed(archive, play, tmp_path):
    arguments = archive.serve(FILES)
    typo = [{"name": "Typo", "bundle_archive": arguments | {"handlers": {"usr/local/bin/rung": "One"}}}]
    refused = play(typo, handlers=("One",))
    assert refused.rc != 0
    assert "no file of archive 'node' matches the glob for One" in refused.output
    assert not (tmp_path / "out/usr/local/bin/runc").exists()

    handlers = {"usr/local/bin/*": "One", "opt/**": ["Two"]}
    tasks = [{"name": "Unpack", "bundle_archive": arguments | {"handlers": handlers}}]
    assert play(tasks, handlers=("One", "Two")).handlers == ["One", "Two"]
    (tmp_path / "out/opt/cni/bin/bridge").unlink()
    assert play(tasks, handlers=("One", "Two")).handlers == ["Two"]
