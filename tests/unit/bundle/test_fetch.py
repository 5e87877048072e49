"""Files come from the first source that has them, go on where they broke off, and are never used with other bytes."""

from __future__ import annotations

import hashlib

import pytest

from amalgam.bundle.fetch import Fetcher
from amalgam.errors import AmalgamError

DATA = bytes(range(256)) * 400
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def fetcher(tmp_path):
    return Fetcher(tmp_path / "downloads")


def test_a_release_is_downloaded_once_and_then_comes_from_the_cache(fetcher, file_server):
    file_server.files["tool"] = DATA
    url = f"{file_server.url}/tool"
    path, source = fetcher.fetch("tool", SHA256, mirror_path="x", url=url)
    assert (path.read_bytes(), source) == (DATA, "release")
    assert fetcher.fetch("tool", SHA256, mirror_path="x", url=url) == (path, "cache")
    assert len(file_server.requests) == 1


def test_a_release_with_another_checksum_is_refused_and_not_kept(fetcher, file_server):
    file_server.files["tool"] = b"other bytes"
    with pytest.raises(AmalgamError, match="tool has another checksum"):
        fetcher.fetch("tool", SHA256, mirror_path="x", url=f"{file_server.url}/tool")
    assert [path for path in fetcher.folder.rglob("*") if path.is_file()] == []


def test_a_download_that_broke_off_goes_on_where_it_was(fetcher, file_server):
    file_server.files["tool"] = DATA
    file_server.break_after = 50_000
    with pytest.raises(AmalgamError, match="cannot download tool"):
        fetcher.fetch("tool", SHA256, mirror_path="x", url=f"{file_server.url}/tool")
    path, _ = fetcher.fetch("tool", SHA256, mirror_path="x", url=f"{file_server.url}/tool")
    assert path.read_bytes() == DATA
    assert [wanted for _, wanted in file_server.requests] == [None, "bytes=50000-"]


def test_a_download_that_was_whole_but_not_yet_named_is_not_made_again(fetcher, file_server):
    file_server.files["tool"] = DATA
    part = fetcher.path(SHA256).with_suffix(".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA)
    path, _ = fetcher.fetch("tool", SHA256, mirror_path="x", url=f"{file_server.url}/tool")
    assert path.read_bytes() == DATA


def test_an_address_that_lacks_a_release_is_an_error(fetcher, file_server):
    with pytest.raises(AmalgamError, match="404"):
        fetcher.fetch("tool", SHA256, mirror_path="x", url=f"{file_server.url}/tool")


def test_mirrors_are_asked_in_order_before_the_release(tmp_path, file_server):
    folder = tmp_path / "mirror"
    folder.mkdir()
    file_server.files["debian/amd64/a.deb"] = DATA
    fetcher = Fetcher(tmp_path / "downloads", [str(folder), file_server.url])
    path, source = fetcher.fetch("a", SHA256, mirror_path="debian/amd64/a.deb", url="http://127.0.0.1:1/never")
    assert (path.read_bytes(), source) == (DATA, "mirror")


def test_a_mirror_with_other_bytes_is_refused(tmp_path):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "a.deb").write_bytes(b"other bytes")
    with pytest.raises(AmalgamError, match="another checksum"):
        Fetcher(tmp_path / "downloads", [str(tmp_path / "mirror")]).fetch("a", SHA256, mirror_path="a.deb")


def test_what_no_source_has_is_left_to_the_registries(tmp_path, file_server):
    fetcher = Fetcher(tmp_path / "downloads", [str(tmp_path), file_server.url])
    assert fetcher.fetch("a", SHA256, mirror_path="a.deb") is None


def test_a_cached_file_that_was_changed_is_fetched_again(fetcher, file_server):
    file_server.files["tool"] = DATA
    url = f"{file_server.url}/tool"
    path, _ = fetcher.fetch("tool", SHA256, mirror_path="x", url=url)
    path.write_bytes(b"rot")
    again, source = fetcher.fetch("tool", SHA256, mirror_path="x", url=url)
    assert (again.read_bytes(), source) == (DATA, "release")
