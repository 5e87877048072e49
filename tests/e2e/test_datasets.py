"""A dataset's versions arrive whole whatever cuts them off, never change, and give their space back when they go."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from amalgam.datasets.bucket import Bucket
from amalgam.datasets.catalog import Catalog, Published
from amalgam.datasets.delete import delete_version
from amalgam.datasets.download import verify
from amalgam.datasets.layout import BLOBS, blob_key
from amalgam.datasets.manifest import PARTIAL
from amalgam.datasets.parts import SMALLEST_PART
from amalgam.datasets.upload import upload
from amalgam.errors import AmalgamError
from tests.e2e.support.datasets import Keys, raw_objects, stored_bytes, write_parts
from tests.e2e.support.nodes import Lab, Node, run_local
from tests.e2e.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("reach")]

PARTS = 128  # 2 GiB


@pytest.fixture
def storage(lab: Lab) -> Node:
    return lab.node(lab.members("storage")[0])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for much: pytest would keep what lies in its own for a while."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def _arrived(bucket: Bucket) -> int:
    """How many parts of unfinished uploads are in the store."""
    return sum(len(bucket.stored_parts(key, upload)) for key, upload in bucket.begun(BLOBS))


def test_two_gib_that_are_cut_off_both_ways_arrive_whole_and_only_once(
    keys: Keys, dataset: str, folder: Path, storage: Node
) -> None:
    file, bucket, before = folder / "large", keys.bucket(), stored_bytes(storage)
    write_parts(file, PARTS)

    sending = keys.start("upload", dataset, str(file))
    wait_until("half of it has arrived", lambda: _arrived(bucket), lambda parts: parts > PARTS / 2, seconds=120)
    sending.kill()
    sending.wait()
    assert Catalog(bucket).versions(dataset) == []
    kept = _settled(bucket)
    assert PARTS / 2 < kept < PARTS

    done = keys.facts("upload", dataset, str(file))
    assert done["sent_bytes"] == (PARTS - kept) * SMALLEST_PART
    assert done["total_bytes"] == PARTS * SMALLEST_PART
    sha256 = _sha256(file)
    assert raw_objects(storage, sha256) != []

    target = folder / "back"
    receiving = keys.start("download", dataset, str(target))
    wait_until(
        "half of it is back",
        lambda: _size_of(target / PARTIAL),
        lambda size: size > PARTS * SMALLEST_PART / 2,
        seconds=120,
    )
    receiving.kill()
    receiving.wait()
    assert not (target / "large").exists()
    begun = _size_of(target / PARTIAL)
    back = keys.facts("download", dataset, str(target))
    assert back["received_bytes"] == PARTS * SMALLEST_PART - begun
    assert [one.name for one in target.iterdir()] == ["large"]
    assert _sha256(target / "large") == sha256

    freed = keys.facts("delete", dataset, "--version", "1", role="manager")
    assert freed["freed_bytes"] == PARTS * SMALLEST_PART
    assert stored_bytes(storage) - before < SMALLEST_PART
    storage.run("radosgw-admin gc process --include-all", seconds=300)
    assert raw_objects(storage, sha256) == []


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*"))


def _settled(bucket: Bucket) -> int:
    """How many parts are there once those have arrived that were on their way: none has come for seconds."""
    seen: list[int] = []

    def same_again(count: int) -> bool:
        seen.append(count)
        return seen[-16:] == [count] * 16

    return wait_until("nothing more arrives", lambda: _arrived(bucket), same_again, seconds=60)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def test_a_version_has_what_changed_and_shares_the_rest(keys: Keys, dataset: str, folder: Path) -> None:
    source = _tree(folder / "source", {"same": b"s" * 3_000_000, "sub/other": b"one"})
    first = keys.facts("upload", dataset, str(source))
    again = keys.facts("upload", dataset, str(source))
    (source / "sub" / "other").write_bytes(b"two")
    second = keys.facts("upload", dataset, str(source))

    assert (first["new"], again["new"], again["version"]) == (True, False, 1)
    assert (second["version"], second["sent_bytes"]) == (2, 3)
    assert [one["version"] for one in keys.facts("versions", dataset)] == [1, 2]

    freed = keys.facts("delete", dataset, "--version", "1", role="manager")
    assert freed["freed_bytes"] == 3
    keys.run("verify", dataset)
    keys.run("download", dataset, str(folder / "back"))
    assert (folder / "back" / "sub" / "other").read_bytes() == b"two"


def test_a_number_is_never_used_again(keys: Keys, dataset: str, folder: Path) -> None:
    source = _tree(folder / "source", {"file": b"one"})
    keys.run("upload", dataset, str(source))
    keys.run("delete", dataset, "--version", "1", role="manager")
    refused = keys.run("download", dataset, str(folder / "back"), "--version", "1", check=False)
    assert (refused.rc, "the version was deleted" in refused.output) == (1, True)
    assert keys.facts("upload", dataset, str(source))["version"] == 2


def test_a_file_that_is_there_is_kept_or_named_and_never_overwritten(keys: Keys, dataset: str, folder: Path) -> None:
    keys.run("upload", dataset, str(_tree(folder / "source", {"a": b"one", "b": b"two"})))
    back = _tree(folder / "back", {"a": b"one", "own": b"mine"})
    assert keys.facts("download", dataset, str(back))["fetched"] == 1
    (back / "b").write_bytes(b"changed")
    refused = keys.run("download", dataset, str(back), check=False)
    assert refused.rc == 1
    assert "none is overwritten: b" in refused.output
    assert (back / "b").read_bytes() == b"changed"


def test_a_deletion_that_was_killed_anywhere_is_finished_by_the_next(
    keys: Keys, dataset: str, folder: Path, storage: Node
) -> None:
    before = stored_bytes(storage)
    files = {str(number): bytes([number]) * 100_000 for number in range(40)}
    keys.run("upload", dataset, str(_tree(folder / "source", files)))
    deletion = keys.arguments("delete", dataset, "--version", "1", role="manager")
    for seconds in ("0.9", "1.1", "1.3"):
        run_local(["timeout", "--signal", "KILL", seconds, *deletion], check=False)
    keys.run("delete", dataset, "--version", "1", role="manager")
    # The manifest alone: no key removes one.
    assert 0 < stored_bytes(storage) - before < 10_000
    assert not any(history.marks or history.objects for history in keys.bucket().histories(BLOBS).values())


def test_a_deletion_that_was_cut_off_between_marking_and_removing_is_finished_by_the_next(
    keys: Keys, dataset: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager, source = keys.bucket("manager"), _tree(folder / "source", {"file": b"content"})
    upload(keys.bucket(), dataset, source, creator="test")

    def cut_off(*_: object) -> None:
        raise AmalgamError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(manager, "give_up", cut_off)
        patch.setattr(manager, "remove", cut_off)
        with pytest.raises(AmalgamError, match="cut off"):
            delete_version(manager, dataset, 1)
    # Its marks hide the content from uploads, and hold no deletion up.
    done = upload(keys.bucket(), dataset, source, creator="test")
    assert done.published.manifest.version == 2
    verify(keys.bucket(), dataset)
    delete_version(manager, dataset, 1)
    verify(keys.bucket(), dataset)
    delete_version(manager, dataset, 2)
    assert not any(history.marks or history.objects for history in manager.histories(BLOBS).values())


def test_a_deletion_leaves_what_an_upload_at_that_moment_takes_over(keys: Keys, dataset: str, folder: Path) -> None:
    """Each step of an upload at each step of a deletion, by chance: whatever is published is whole."""
    member, manager = keys.bucket(), keys.bucket("manager")
    trees = [_tree(folder / str(n), {"shared": b"shared", f"own{n}": bytes([n])}) for n in range(3)]
    over, refused = threading.Event(), []

    def delete_always() -> None:
        while not over.is_set():
            for one in Catalog(manager).versions(dataset)[:1]:
                assert isinstance(one, Published)
                delete_version(manager, dataset, one.manifest.version)

    deleting = threading.Thread(target=delete_always)
    deleting.start()
    try:
        for turn in range(24):
            try:
                done = upload(member, dataset, trees[turn % 3], creator="test")
            except AmalgamError as error:
                refused.append(str(error))
                continue
            assert done.published.manifest.files
    finally:
        over.set()
        deleting.join()
    for one in Catalog(member).versions(dataset):
        assert isinstance(one, Published)
        verify(member, dataset, number=one.manifest.version)
    assert len(refused) < 12, refused


def test_what_an_upload_has_announced_no_deletion_takes(keys: Keys, dataset: str, folder: Path) -> None:
    member, manager = keys.bucket(), keys.bucket("manager")
    source = _tree(folder / "source", {"file": b"content of both"})
    first = upload(member, dataset, source, creator="test").published.manifest

    class DeleteWhenSending:
        """Deletes the first version in the moment after the second upload has looked what is there."""

        def phase(self, name: str, total: int) -> None:
            if name == "sending" and total == len(b"new"):
                delete_version(manager, dataset, first.version)

        def advance(self, count: int) -> None: ...

    (source / "new").write_bytes(b"new")
    second = upload(member, dataset, source, creator="test", progress=DeleteWhenSending()).published
    assert [one for one in Catalog(member).versions(dataset) if isinstance(one, Published)] == [second]
    verify(member, dataset)


@pytest.mark.parametrize("step", ["histories", "mark_deleted", "remove"])
def test_what_a_deletion_is_about_to_remove_no_upload_is_left_with(
    step: str, keys: Keys, dataset: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload from its beginning to its end: after the deletion's look at the content, its mark, or its last look."""
    member, manager = keys.bucket(), keys.bucket("manager")
    source = _tree(folder / "source", {"file": b"content of both"})
    first = upload(member, dataset, source, creator="test").published.manifest
    content, plain, done = (BLOBS, blob_key(first.files[0].sha256)), getattr(manager, step), []

    def upload_once(key: str) -> None:
        if key in content and not done:
            done.append(upload(member, dataset, source, creator="test").published)

    def interrupted(key: str, *rest: str) -> object:
        if step == "remove":
            upload_once(key)
            return plain(key, *rest)
        result = plain(key, *rest)
        upload_once(key)
        return result

    monkeypatch.setattr(manager, step, interrupted)
    delete_version(manager, dataset, first.version)
    assert [one for one in Catalog(member).versions(dataset) if isinstance(one, Published)] == done
    verify(member, dataset)


def test_uploads_at_the_same_time_get_a_number_each(keys: Keys, dataset: str, folder: Path) -> None:
    trees = [_tree(folder / str(n), {"file": bytes([n])}) for n in range(4)]
    running = [keys.start("upload", dataset, str(tree)) for tree in trees]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    assert [one["version"] for one in keys.facts("versions", dataset)] == [1, 2, 3, 4]
    contents = set()
    for number in range(1, 5):
        keys.run("download", dataset, str(folder / f"back{number}"), "--version", str(number))
        contents.add((folder / f"back{number}" / "file").read_bytes())
    assert len(contents) == 4


def test_an_upload_that_is_given_up_gives_its_space_back(keys: Keys, dataset: str, folder: Path, storage: Node) -> None:
    before, bucket = stored_bytes(storage), keys.bucket()
    # So many that it still sends when it is killed.
    write_parts(folder / "large", 40)
    sending = keys.start("upload", dataset, str(folder / "large"))
    wait_until("some of it has arrived", lambda: _arrived(bucket), lambda parts: parts > 2, seconds=60)
    sending.kill()
    sending.wait()
    _settled(bucket)
    assert "is not published" in keys.run("versions", dataset).stdout
    assert keys.facts("delete", dataset, "--unfinished", role="manager")["freed_bytes"] > 2 * SMALLEST_PART
    assert "is not published" not in keys.run("versions", dataset).stdout
    wait_until("nothing is left", lambda: stored_bytes(storage) - before, lambda size: size < SMALLEST_PART, seconds=30)
    assert _arrived(bucket) == 0


def _tree(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder
