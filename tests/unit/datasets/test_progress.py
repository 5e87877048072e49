"""Whoever watches an upload is told of all its bytes, also where most of them have arrived before."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from amalgam.datasets.bucket import Bucket
from amalgam.datasets.parts import SMALLEST_PART, Part
from amalgam.datasets.upload import upload
from amalgam.errors import AmalgamError
from tests.unit.datasets.conftest import BucketInMemory

SIZE = 3 * SMALLEST_PART + 5


class Told:
    """What was told: phases with their bytes, and each step of them."""

    def __init__(self) -> None:
        self.phases: dict[str, int] = {}
        self.steps: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    def phase(self, name: str, total: int) -> None:
        self.phases[name], self.steps[name] = total, []

    def advance(self, count: int) -> None:
        with self._lock:
            self.steps[list(self.phases)[-1]].append(count)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One of four parts."""
    made = tmp_path / "large"
    with made.open("wb") as stream:
        stream.truncate(SIZE)
    return made


def test_an_upload_tells_each_part_when_it_has_arrived(bucket: Bucket, file: Path) -> None:
    told = Told()
    upload(bucket, "images", file, creator="test", progress=told)
    assert told.phases == {"reading": SIZE, "sending": SIZE}
    assert sum(told.steps["reading"]) == SIZE
    # What had arrived before comes first: nothing.
    assert told.steps["sending"][0] == 0
    assert sorted(told.steps["sending"][1:]) == [5, *[SMALLEST_PART] * 3]


def test_an_upload_that_goes_on_begins_at_what_has_arrived(
    bucket: Bucket, memory: BucketInMemory, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = memory.put_part

    def cut_off_at_the_third(key: str, number: str, part: Part, content: bytes) -> None:
        if part.number == 3:
            raise AmalgamError("cut off")
        plain(key, number, part, content)

    with monkeypatch.context() as patch:
        patch.setattr(memory, "put_part", cut_off_at_the_third)
        with pytest.raises(AmalgamError, match="cut off"):
            upload(bucket, "images", file, creator="test", progress=Told())
    (arrived,) = memory.parts.values()
    there, told = sum(len(content) for content in arrived.values()), Told()
    assert 0 < there < SIZE

    upload(bucket, "images", file, creator="test", progress=told)
    assert told.phases["sending"] == sum(told.steps["sending"]) == SIZE
    assert told.steps["sending"][0] == there


def test_what_is_in_the_store_already_is_no_work(bucket: Bucket, file: Path) -> None:
    upload(bucket, "images", file, creator="test")
    (file.parent / "folder").mkdir()
    file.rename(file.parent / "folder" / "moved")
    told = Told()
    upload(bucket, "images", file.parent / "folder", creator="test", progress=told)
    assert told.phases["sending"] == 0
    assert told.steps["sending"] == []
