"""bundle_sync over the local connection."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
import yaml

from amalgam.errors import AmalgamError
from amalgam.on_host import tree_files
from amalgam.paths import project_root


@pytest.fixture
def bundle(tmp_path):
    """A bundle on the controller, and how to write its manifest."""

    class Bundle:
        path = tmp_path / "bundle"
        dest = tmp_path / "srv/bundle"

        def write(self, files: dict[str, str]) -> None:
            artifacts = []
            for path, text in files.items():
                file = self.path / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
                arch = next((arch for arch in ("amd64", "arm64") if arch in path), "all")
                digest = hashlib.sha256(text.encode()).hexdigest()
                known = {"name": file.name, "version": "1", "arch": arch, "kind": "file", "source": "test"}
                artifacts.append(known | {"path": path, "sha256": digest, "size": len(text)})
            manifest = {"schema": 1, "lock_digest": "0" * 64, "arches": ["amd64", "arm64"], "created_from": {}}
            (self.path / "manifest.json").write_text(json.dumps(manifest | {"artifacts": artifacts}))
            (self.path / "manifest.json.sig").write_text("signature")

        def held(self) -> set[str]:
            files = (file for file in self.dest.rglob("*") if file.is_file())
            return {file.relative_to(self.dest).as_posix() for file in files}

    bundle = Bundle()
    bundle.write(FILES)
    return bundle


@pytest.fixture
def sync(play, bundle):
    def run(*options: str, **arguments: object):
        known = {"src": str(bundle.path), "dest": str(bundle.dest), "arches": ["amd64"]}
        return play([{"name": "Sync", "bundle_sync": known | arguments}], "-v", *options)

    return run


FILES = {
    "debian/amd64/a.deb": "deb a",
    "debian/arm64/a.deb": "deb b",
    "images/index.json": "{}",
    "images/blobs/sha256/arm64": "a layer for arm64",
    "charts/c.tgz": "chart",
}
OURS = {"manifest.json", "manifest.json.sig", ".verified.json"}


def round_trips(output: str) -> int:
    return output.count(" EXEC ")


def test_the_wanted_parts_arrive_and_the_second_run_is_one_round_trip(sync, bundle):
    first = sync("-vv", include=["debian/**", "images/**"])
    assert (first.rc, first.changed) == (0, 1), first.output
    # An image is whole or nothing: its parts for other architectures come along.
    wanted = {"debian/amd64/a.deb", "images/index.json", "images/blobs/sha256/arm64"}
    assert bundle.held() == wanted | OURS
    for path in wanted:
        assert (bundle.dest / path).read_text() == FILES[path]
    assert (bundle.dest / "manifest.json").read_text() == (bundle.path / "manifest.json").read_text()
    assert round_trips(first.output) == 2
    second = sync("-vv", include=["debian/**", "images/**"])
    assert (second.rc, second.changed, round_trips(second.output)) == (0, 0, 1)


def test_only_what_changed_is_sent_and_what_is_unwanted_goes(sync, bundle):
    sync()
    (bundle.dest / "charts/c.tgz").write_text("longer than it was")
    (bundle.dest / "debian/amd64/a.deb").unlink()
    (bundle.dest / "stray/deep").mkdir(parents=True)
    (bundle.dest / "stray/deep/file").write_text("who put this here")
    bundle.write(FILES | {"images/index.json": "[]"})
    predicted = sync("--check")
    assert (predicted.rc, predicted.changed) == (0, 1)
    assert (bundle.dest / "stray").exists()
    played = sync()
    sent = played.output.split("sent:")[1]
    assert [path for path in FILES if path in sent] == ["debian/amd64/a.deb", "images/index.json", "charts/c.tgz"]
    assert bundle.held() == (set(FILES) - {"debian/arm64/a.deb"}) | OURS
    assert (bundle.dest / "images/index.json").read_text() == "[]"
    assert not (bundle.dest / "stray").exists()
    assert sync("--check").changed == 0


def test_check_mode_predicts_on_a_bare_host(sync, bundle):
    played = sync("--check")
    assert (played.rc, played.changed) == (0, 1), played.output
    assert not bundle.dest.parent.exists()


def test_bytes_that_are_not_the_manifests_are_refused_and_what_was_good_stays(sync, bundle):
    (bundle.path / "images/index.json").write_text("!!")
    refused = sync()
    assert refused.rc != 0
    assert "images/index.json arrived with sha256" in refused.output
    assert bundle.held() == {"debian/amd64/a.deb", ".verified.json"}
    (bundle.path / "images/index.json").write_text("{}")
    resumed = sync()
    assert resumed.rc == 0
    assert "debian/amd64/a.deb" not in resumed.output.split("sent:")[1]


def test_a_file_missing_from_the_bundle_or_cut_off_is_named_before_anything_is_sent(sync, bundle, plugin):
    (bundle.path / "charts/c.tgz").unlink()
    played = sync()
    assert played.rc != 0
    assert "artifact c.tgz is missing" in played.output
    assert not bundle.dest.exists()
    (bundle.path / "charts/c.tgz").write_text("cha")
    with pytest.raises(AmalgamError, match="not 5 bytes long"):
        plugin("action", "bundle_sync").wanted_artifacts(bundle.path, ["amd64"], ["**"])


def test_verified_files_are_not_read_again_and_unverified_ones_are(plugin, call, bundle, monkeypatch):
    action = plugin("action", "bundle_sync")
    wanted = action.wanted_artifacts(bundle.path, ["amd64"], ["charts/**"])
    arguments = {"dest": str(bundle.dest), "segments": []} | action.described(bundle.path, wanted)
    target = bundle.dest / "charts/c.tgz"
    target.parent.mkdir(parents=True)
    target.write_text("chert")
    assert call("bundle_sync", arguments)["missing"] == ["charts/c.tgz"]
    target.write_text("chart")
    assert call("bundle_sync", arguments)["missing"] == []

    monkeypatch.setattr(tree_files, "sha256_of", lambda path: pytest.fail(f"{path} was read again"))
    assert call("bundle_sync", arguments)["changed"] is False


def test_pieces_are_of_one_size_whatever_the_files_are(plugin, monkeypatch):
    action = plugin("action", "bundle_sync")
    monkeypatch.setattr(action, "PIECE_BYTES", 10)
    artifacts = [action.Artifact.model_construct(path=str(size), size=size) for size in (4, 0, 6, 25, 3)]
    pieces = list(action.in_pieces(artifacts))
    assert [[(path, offset, size) for path, offset, size in piece] for piece in pieces] == [
        [("4", 0, 4), ("0", 0, 0), ("6", 0, 6)],
        [("25", 0, 10)],
        [("25", 10, 10)],
        [("25", 20, 5), ("3", 0, 3)],
    ]


def test_a_file_in_several_pieces_is_whole_before_it_has_its_name(plugin, call, bundle, monkeypatch):
    action = plugin("action", "bundle_sync")
    monkeypatch.setattr(action, "PIECE_BYTES", 4)
    wanted = action.wanted_artifacts(bundle.path, ["amd64"], ["images/**"])
    arguments = {"dest": str(bundle.dest)} | action.described(bundle.path, wanted)
    # Left by a run that was cut off, and longer than what comes now.
    left = tree_files.staging_path(bundle.dest / "images/blobs/sha256/arm64")
    left.parent.mkdir(parents=True)
    left.write_text("x" * 100)
    ahead = []
    for piece in action.in_pieces(wanted):
        payload = b"".join(segment.read(bundle.path) for segment in piece)
        ahead.append(call("bundle_sync", arguments | {"segments": piece}, payload=payload)["missing"])
    assert ahead == [["images/blobs/sha256/arm64"]] * 4 + [[]]
    assert bundle.held() == {"images/index.json", "images/blobs/sha256/arm64"} | OURS
    assert (bundle.dest / "images/blobs/sha256/arm64").read_text() == FILES["images/blobs/sha256/arm64"]


def test_a_piece_that_was_cut_off_or_asked_for_by_nobody_is_refused(plugin, call, bundle):
    action = plugin("action", "bundle_sync")
    wanted = action.wanted_artifacts(bundle.path, ["amd64"], ["charts/**"])
    arguments = {"dest": str(bundle.dest)} | action.described(bundle.path, wanted)
    cut = call("bundle_sync", arguments | {"segments": [["charts/c.tgz", 0, 5]]}, payload=b"cha")
    assert cut["msg"] == "charts/c.tgz was cut off on its way; run the task again"
    stranger = call("bundle_sync", arguments | {"segments": [["etc/passwd", 0, 5]]}, payload=b"chart")
    assert stranger["msg"].startswith("'etc/passwd' arrived but is no file of the bundle")
    assert bundle.held() == {".verified.json"}


def test_what_a_killed_upload_left_is_cleaned_up(sync, bundle):
    bundle.dest.mkdir(parents=True)
    left = tree_files.staging_path(bundle.dest / "a-file-of-another-bundle")
    left.write_text("half a f")
    assert sync().rc == 0
    assert not left.exists()


def test_a_stray_file_whose_name_is_no_text_goes_as_well(sync, bundle):
    assert sync().rc == 0
    stray = bundle.dest / os.fsdecode(b"\xff")
    stray.touch()
    played = sync()
    assert (played.rc, played.changed) == (0, 1), played.output
    assert not stray.exists()


@pytest.mark.parametrize("dest", ["bundle", "bundle/served", ".", "link"])
def test_a_bundle_is_never_made_its_own_copy(sync, bundle, tmp_path, dest):
    (tmp_path / "link").symlink_to(bundle.path)
    before = {file: file.read_bytes() for file in bundle.path.rglob("*") if file.is_file()}
    # Wanted in part: what is not wanted would be removed.
    refused = sync(dest=str(tmp_path / dest), include=["debian/**"])
    assert refused.rc != 0
    assert "move the signed bundle to a folder of its own" in " ".join(refused.output.split())
    assert {file: file.read_bytes() for file in bundle.path.rglob("*") if file.is_file()} == before


def test_no_inventory_of_ours_has_the_bundle_where_hosts_serve_it(plugin):
    served = yaml.safe_load((project_root() / "playbooks/layers/group_vars/all.yml").read_text())["site_bundle_root"]
    files = list((project_root() / "inventories").glob("*/group_vars/all/bundle.yml"))
    assert len(files) > 2
    for file in files:
        carried = yaml.safe_load(file.read_text())["bundle_path"]
        plugin("action", "bundle_sync").refuse_overlap(Path(carried), Path(served))
