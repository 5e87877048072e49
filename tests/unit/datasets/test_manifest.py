"""A manifest names files below the dataset's folder, whoever wrote it, and is refused whole otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from amalgam.datasets.manifest import DamagedError, path_problem, read_draft, read_manifest
from amalgam.errors import AmalgamError

FILE = {"path": "a/b", "size": 3, "sha256": "0" * 64, "object_version": "v1"}
GOOD: dict[str, Any] = {
    "format": 1,
    "dataset": "images",
    "version": 2,
    "created": "2026-01-02T03:04:05Z",
    "creator": "ada",
    "comment": "",
    "upload": "1" * 32,
    "total_bytes": 3,
    "files": [FILE],
}


def _bytes(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_a_good_manifest_is_read() -> None:
    assert read_manifest(_bytes(), "images", 2).content() == {"a/b": "0" * 64}


@pytest.mark.parametrize(
    "path",
    [
        *("", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/.", "a/"),
        *("a\nb", "a\x1b[2Jb", "a\x00", "a\udcff"),
        *(".amalgam-partial/x", "x" * 256, "x/" * 450 + "x"),
    ],
)
def test_a_path_that_leads_elsewhere_or_cannot_be_shown_is_refused(path: str) -> None:
    assert path_problem(path)
    with pytest.raises(DamagedError):
        read_manifest(_bytes(files=[{**FILE, "path": path}]), "images", 2)


@pytest.mark.parametrize("path", ["a", "a/b.c", "...", "a b", "ä/日本", "-rf", "~", "a\\b"])
def test_a_path_below_the_folder_is_good(path: str) -> None:
    assert path_problem(path) == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "an object"),
        (_bytes()[:-1], "it is no JSON"),
        (_bytes(total_bytes=4), "total_bytes is not the sum"),
        (_bytes(files=[FILE, FILE], total_bytes=6), "a path is there twice"),
        (_bytes(files=[FILE, {**FILE, "path": "a"}], total_bytes=6), "lies below a file"),
        (_bytes(files=[{**FILE, "sha256": "../../secret"}]), "files.0.sha256"),
        (_bytes(more="x"), "more"),
        (_bytes(version=3), "it is that of 'images', version 3"),
        (_bytes(dataset="other"), "it is that of 'other', version 2"),
    ],
)
def test_a_manifest_that_is_none_is_refused_with_what_is_wrong(content: bytes, reason: str) -> None:
    with pytest.raises(DamagedError, match="the manifest is damaged") as refused:
        read_manifest(content, "images", 2)
    assert reason in refused.value.what
    assert refused.value.where == "images, version 2"


def test_what_a_later_amalgam_wrote_is_not_called_damaged() -> None:
    with pytest.raises(AmalgamError, match="format 2") as refused:
        read_manifest(_bytes(format=2, parity="x"), "images", 2)
    assert not isinstance(refused.value, DamagedError)


def test_a_draft_of_another_upload_is_refused() -> None:
    draft = {"format": 1, "dataset": "images", "upload": "1" * 32, "creator": "ada", "blobs": ["0" * 64]}
    assert read_draft(json.dumps(draft).encode(), "images", "1" * 32).blobs == {"0" * 64}
    with pytest.raises(DamagedError):
        read_draft(json.dumps(draft).encode(), "images", "2" * 32)
