"""What cannot be in a dataset is refused by its name, and a file that changes is noticed."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from amalgam.datasets import blobs
from amalgam.datasets.bucket import Bucket
from amalgam.datasets.local import read_tree, require_unchanged
from amalgam.datasets.progress import Quiet
from amalgam.errors import AmalgamError


def test_a_folder_is_read_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "file").write_bytes(b"deep")
    (tmp_path / "a").write_bytes(b"")
    files = read_tree(tmp_path, Quiet())
    assert [(file.path, file.size) for file in files] == [("a", 0), ("b/c/file", 4)]
    assert files[1].sha256 == hashlib.sha256(b"deep").hexdigest()
    assert files[1].etag == hashlib.md5(b"deep").hexdigest()


def test_a_file_by_itself_has_its_name_as_path_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    assert [file.path for file in read_tree(tmp_path / "real", Quiet())] == ["real"]
    assert [file.path for file in read_tree(tmp_path / "link", Quiet())] == ["link"]


def _socket(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("/etc"), "a symbolic link"),
        (lambda path: path.symlink_to("nowhere"), "a symbolic link"),
        (os.mkfifo, "a named pipe"),
        (_socket, "a socket"),
    ],
    ids=["link", "broken link", "pipe", "socket"],
)
def test_what_is_no_file_is_refused_by_its_name(make: Callable[[Path], None], reason: str, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    make(tmp_path / "sub" / "odd")
    with pytest.raises(AmalgamError, match=reason) as refused:
        read_tree(tmp_path, Quiet())
    assert refused.value.where == str(tmp_path / "sub" / "odd")


def test_a_name_that_is_no_utf8_is_refused_in_a_form_that_can_be_shown(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff")).write_bytes(b"x")
    with pytest.raises(AmalgamError, match="no UTF-8") as refused:
        read_tree(tmp_path, Quiet())
    assert refused.value.where.isprintable()


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_a_folder_without_files_or_that_is_not_there_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(AmalgamError) as refused:
        read_tree(tmp_path / path, Quiet())
    assert refused.value.where == str(tmp_path / path)


def _appended(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"more")


def _touched(file: Path) -> None:
    os.utime(file, (1, 1))


def _replaced_by_a_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/hostname")


@pytest.mark.parametrize("change", [_appended, _touched, Path.unlink, _replaced_by_a_link])
def test_a_change_after_reading_is_noticed(change: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (file,) = read_tree(tmp_path, Quiet())
    require_unchanged(file)
    change(tmp_path / "file")
    with pytest.raises(AmalgamError, match="changed while it was uploaded"):
        require_unchanged(file)


def test_a_change_that_keeps_size_and_time_is_noticed_when_the_content_is_sent(tmp_path: Path, bucket: Bucket) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (file,) = read_tree(tmp_path, Quiet())
    (tmp_path / "file").write_bytes(b"CONTENT")
    os.utime(tmp_path / "file", ns=(file.modified_ns, file.modified_ns))
    require_unchanged(file)
    with pytest.raises(AmalgamError, match="changed while it was uploaded"):
        blobs.send(bucket, file, Quiet())
    assert bucket.histories(blobs.blob_key("")) == {}
