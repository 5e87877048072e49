"""The first manifest at a key is the version; what is put over it, before it or after its deletion is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from amalgam.datasets.bucket import Bucket
from amalgam.datasets.catalog import Catalog, Damaged, Published
from amalgam.datasets.delete import delete_dataset, delete_version, drop_unfinished
from amalgam.datasets.download import verify
from amalgam.datasets.layout import BLOBS, DATASETS, blob_key, manifest_key
from amalgam.datasets.manifest import Manifest
from amalgam.datasets.upload import upload
from amalgam.errors import AmalgamError


def _upload(bucket: Bucket, folder: Path, *contents: str) -> Manifest:
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for content in contents:
        (folder / content).write_text(content)
    return upload(bucket, "images", folder, creator="test").published.manifest


def _contents(bucket: Bucket) -> list[bytes]:
    return sorted(bucket.read(entry) for history in bucket.histories(BLOBS).values() for entry in history.objects)


def test_a_dataset_is_made_once(bucket: Bucket) -> None:
    with pytest.raises(AmalgamError, match="already"):
        Catalog(bucket).create("images", creator="test")
    assert [one.dataset for one in Catalog(bucket).datasets()] == ["images"]


@pytest.mark.parametrize("name", ["", "Images", "a/b", "..", "-a", "a" * 64, "a_b"])
def test_a_name_that_would_be_trouble_is_refused(name: str, bucket: Bucket) -> None:
    with pytest.raises(AmalgamError, match="no name of a dataset"):
        Catalog(bucket).create(name, creator="test")


def test_a_dataset_or_version_that_is_not_there_is_told_with_those_that_are(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(AmalgamError, match="there are: images"):
        Catalog(bucket).versions("image")
    with pytest.raises(AmalgamError, match="no version of it is published"):
        Catalog(bucket).version("images")
    _upload(bucket, tmp_path / "one", "one")
    with pytest.raises(AmalgamError, match="the version does not exist; there are: 1"):
        Catalog(bucket).version("images", 2)


def test_what_is_put_over_a_manifest_changes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    _upload(bucket, tmp_path / "one", "one")
    before = Catalog(bucket).version("images", 1)
    bucket.put(manifest_key("images", 1), b"{}")
    assert Catalog(bucket).version("images", 1) == before


def test_a_number_that_somebody_took_is_left_to_them(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put(manifest_key("images", 1), b"junk")
    made = _upload(bucket, tmp_path / "one", "one")
    assert made.version == 2
    found = Catalog(bucket).versions("images")
    assert isinstance(found[0], Damaged)
    assert isinstance(found[1], Published)


def test_of_two_who_publish_one_number_the_second_gets_the_next(bucket: Bucket, tmp_path: Path) -> None:
    first = _upload(bucket, tmp_path / "one", "one")
    second = Catalog(bucket).publish(first.model_copy(update={"upload": "2" * 32}))
    assert second.manifest.version == 2
    assert Catalog(bucket).version("images", 1).manifest == first


def test_a_put_that_was_repeated_is_one_version(bucket: Bucket, tmp_path: Path) -> None:
    first = _upload(bucket, tmp_path / "one", "one")
    assert Catalog(bucket).publish(first).manifest == first


def test_a_deletion_removes_what_no_other_version_has(bucket: Bucket, tmp_path: Path) -> None:
    _upload(bucket, tmp_path / "one", "one", "both")
    _upload(bucket, tmp_path / "one", "two", "both")
    assert delete_version(bucket, "images", 1).size == len("one")
    assert _contents(bucket) == [b"both", b"two"]
    assert delete_version(bucket, "images", 1).versions == 0
    assert delete_version(bucket, "images", 2).size == len("bothtwo")
    assert _contents(bucket) == []
    assert all(
        history.marks and len(history.objects) == 1
        for key, history in bucket.histories(DATASETS).items()
        if "versions" in key
    )


@pytest.mark.parametrize("steps", range(1, 11))
def test_a_deletion_that_ends_at_any_step_is_finished_by_the_next(
    steps: int, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _upload(bucket, tmp_path / "one", "one", "two", "three")
    left = iter(range(steps))

    def until_cut_off(function: Callable[..., str]) -> Callable[..., str]:
        def step(*arguments: str) -> str:
            if next(left, None) is None:
                raise AmalgamError("cut off")
            return function(*arguments)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "remove", until_cut_off(bucket.remove))
        patch.setattr(bucket, "mark_deleted", until_cut_off(bucket.mark_deleted))
        with pytest.raises(AmalgamError, match="cut off"):
            delete_version(bucket, "images", 1)
    delete_version(bucket, "images", 1)
    assert bucket.histories(BLOBS) == {}
    with pytest.raises(AmalgamError, match="no version"):
        Catalog(bucket).version("images")


def test_a_deletion_does_not_rely_on_the_mark_of_another(bucket: Bucket, tmp_path: Path) -> None:
    """The other one takes its mark away between this one's marking and removing, and then somebody uploads."""
    first = _upload(bucket, tmp_path / "one", "one")
    key = blob_key(first.files[0].sha256)
    other, plain, done = bucket.mark_deleted(key), bucket.remove, []

    def remove(where: str, version: str) -> None:
        if (where, version) == (key, first.files[0].object_version) and not done:
            plain(key, other)
            done.append(_upload(bucket, tmp_path / "one", "one"))
        plain(where, version)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bucket, "remove", remove)
        delete_version(bucket, "images", 1)
    assert [one.version for one in done] == [2]
    verify(bucket, "images")


def test_what_is_put_over_a_deleted_version_does_not_bring_it_back(bucket: Bucket, tmp_path: Path) -> None:
    made = _upload(bucket, tmp_path / "one", "one")
    delete_version(bucket, "images", 1)
    bucket.put(manifest_key("images", 1), made.model_dump_json().encode())
    with pytest.raises(AmalgamError, match="was deleted"):
        Catalog(bucket).version("images", 1)
    assert _upload(bucket, tmp_path / "one", "one").version == 2


def test_an_upload_that_was_cut_off_before_publishing_keeps_its_content_until_it_is_given_up(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _upload(bucket, tmp_path / "one", "one")

    def cut_off(*_: object) -> Published:
        raise AmalgamError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "publish", cut_off)
        with pytest.raises(AmalgamError, match="cut off"):
            _upload(bucket, tmp_path / "two", "two")
    delete_version(bucket, "images", 1)
    assert _contents(bucket) == [b"two"]
    assert drop_unfinished(bucket, "images").size == len("two")
    assert _contents(bucket) == []


def test_a_deletion_stops_at_what_a_later_amalgam_wrote(bucket: Bucket, tmp_path: Path) -> None:
    _upload(bucket, tmp_path / "one", "one")
    _upload(bucket, tmp_path / "one", "two")
    bucket.put(manifest_key("images", 3), b'{"format": 2}')
    with pytest.raises(AmalgamError, match="format 2"):
        delete_version(bucket, "images", 1)
    assert _contents(bucket) == [b"one", b"two"]


def test_a_dataset_goes_with_all_it_has_and_its_name_can_be_used_again(bucket: Bucket, tmp_path: Path) -> None:
    _upload(bucket, tmp_path / "one", "one")
    _upload(bucket, tmp_path / "one", "two")
    assert delete_dataset(bucket, "images").versions == 2
    assert _contents(bucket) == []
    assert Catalog(bucket).datasets() == []
    with pytest.raises(AmalgamError, match="no such dataset"):
        delete_dataset(bucket, "imagse")
    Catalog(bucket).create("images", creator="test")
    assert _upload(bucket, tmp_path / "one", "one").version == 3
