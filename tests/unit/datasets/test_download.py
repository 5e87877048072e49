"""A download puts files where they belong and nowhere else, and whatever is there already stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.datasets.bucket import Bucket
from amalgam.datasets.catalog import Published
from amalgam.datasets.download import download, verify
from amalgam.datasets.layout import blob_key
from amalgam.datasets.manifest import PARTIAL
from amalgam.datasets.upload import upload
from amalgam.errors import AmalgamError
from tests.unit.datasets.conftest import BucketInMemory

CONTENT = {"a": b"first", "sub/b": b"second", "sub/c": b"first", "empty": b""}


@pytest.fixture
def published(bucket: Bucket, tmp_path: Path) -> Published:
    for path, content in CONTENT.items():
        file = tmp_path / "source" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return upload(bucket, "images", tmp_path / "source", creator="test").published


@pytest.fixture
def target(published: Published, tmp_path: Path) -> Path:
    assert published.manifest.total_bytes == 16
    return tmp_path / "target"


def _found(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_what_was_uploaded_comes_back(bucket: Bucket, target: Path) -> None:
    assert download(bucket, "images", target).fetched == 4
    assert _found(target) == CONTENT
    assert not (target / PARTIAL).exists()
    assert download(bucket, "images", target).fetched == 0


def test_files_of_others_stay(bucket: Bucket, target: Path) -> None:
    target.mkdir()
    (target / "own").write_bytes(b"mine")
    download(bucket, "images", target)
    assert _found(target) == {**CONTENT, "own": b"mine"}


def test_a_file_that_would_be_overwritten_is_named_before_anything_is_written(bucket: Bucket, target: Path) -> None:
    (target / "sub").mkdir(parents=True)
    (target / "sub" / "b").write_bytes(b"SECOND")
    with pytest.raises(AmalgamError, match="none is overwritten: sub/b"):
        download(bucket, "images", target)
    assert _found(target) == {"sub/b": b"SECOND"}


@pytest.mark.parametrize(("place", "leads_to"), [("sub", "elsewhere"), ("a", "elsewhere/file")])
def test_a_link_on_the_way_is_not_followed(place: str, leads_to: str, bucket: Bucket, target: Path) -> None:
    outside = target.parent / "elsewhere"
    outside.mkdir()
    target.mkdir()
    (target / place).symlink_to(target.parent / leads_to)
    with pytest.raises(AmalgamError, match="a link is where") as refused:
        download(bucket, "images", target)
    assert refused.value.where == str(target / place)
    assert list(outside.iterdir()) == []


def test_a_folder_where_a_file_belongs_is_named(bucket: Bucket, target: Path) -> None:
    (target / "a").mkdir(parents=True)
    with pytest.raises(AmalgamError, match="something else is where the dataset's a belongs"):
        download(bucket, "images", target)


def _cut_off(bucket: Bucket, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download that ends in the middle of its files."""
    plain = bucket.stream

    def broken(key: str, version: str, start: int = 0) -> object:
        if not key.startswith(blob_key("")):
            yield from plain(key, version, start)
            return
        yield b"".join(plain(key, version, start))[:3]
        raise AmalgamError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "stream", broken)
        with pytest.raises(AmalgamError, match="cut off"):
            download(bucket, "images", target)


def test_a_download_that_was_cut_off_goes_on_where_it_was(
    bucket: Bucket, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut_off(bucket, target, monkeypatch)
    assert set(_found(target)) == {str(file.relative_to(target)) for file in (target / PARTIAL).iterdir()}
    starts, plain = [], bucket.stream

    def noted(key: str, version: str, start: int = 0) -> object:
        starts.append(start)
        return plain(key, version, start)

    monkeypatch.setattr(bucket, "stream", noted)
    begun = sum(file.stat().st_size for file in (target / PARTIAL).iterdir())
    done = download(bucket, "images", target)
    assert 3 in starts
    assert done.received_bytes == done.published.manifest.total_bytes - begun
    assert _found(target) == CONTENT


def test_what_an_earlier_attempt_spoilt_is_fetched_anew(
    bucket: Bucket, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut_off(bucket, target, monkeypatch)
    for number, file in enumerate((target / PARTIAL).iterdir()):
        file.write_bytes(b"?" * (number * 4))
    download(bucket, "images", target)
    assert _found(target) == CONTENT


def test_damaged_and_lost_content_is_named_and_the_rest_is_kept(
    bucket: Bucket, memory: BucketInMemory, published: Published, target: Path
) -> None:
    places = {file.path: (blob_key(file.sha256), file.object_version) for file in published.manifest.files}
    memory.content[places["sub/b"]] = b"SECOND"
    del memory.content[places["empty"]]
    for attempt in (lambda: download(bucket, "images", target), lambda: verify(bucket, "images")):
        with pytest.raises(AmalgamError) as refused:
            attempt()
        assert "empty (it is gone), sub/b (its content is another one" in refused.value.what
    assert _found(target) == {"a": b"first", "sub/c": b"first"}


def test_no_room_is_said_before_anything_is_written(
    bucket: Bucket, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 15

    monkeypatch.setattr("amalgam.datasets.download.shutil.disk_usage", lambda _: Full)
    with pytest.raises(AmalgamError, match="are free"):
        download(bucket, "images", target)
    assert _found(target) == {}
