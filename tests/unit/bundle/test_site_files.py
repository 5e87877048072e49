"""What a site brings itself goes into the bundle as its checksums have it, is signed with the rest, or is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from amalgam.bundle.site_files import CHECKSUMS, digest_of, site_files
from amalgam.errors import AmalgamError


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """A folder with a driver and its checksum."""
    folder = tmp_path / "brought"
    folder.mkdir()
    (folder / "driver_1.0+rc1.run").write_bytes(b"driver")
    (folder / CHECKSUMS).write_text(f"{hashlib.sha256(b'driver').hexdigest()}  driver_1.0+rc1.run\n")
    return folder


def test_a_file_lies_in_the_bundle_under_its_name(brought: Path) -> None:
    (one,) = site_files(brought)
    assert (one.artifact.kind, one.artifact.path) == ("site", "site/driver_1.0+rc1.run")
    assert one.artifact.sha256 == hashlib.sha256(b"driver").hexdigest()
    assert one.artifact.size == len(b"driver")
    assert one.source == brought / "driver_1.0+rc1.run"


def test_other_files_have_another_checksum_together(brought: Path) -> None:
    before = digest_of(site_files(brought))
    (brought / "more").write_bytes(b"")
    with (brought / CHECKSUMS).open("a") as listed:
        listed.write(f"{hashlib.sha256(b'').hexdigest()} *more\n")
    assert digest_of(site_files(brought)) != before


@pytest.mark.parametrize(
    ("spoil", "reason", "where"),
    [
        (lambda folder: (folder / CHECKSUMS).unlink(), "cannot be read", CHECKSUMS),
        (lambda folder: (folder / CHECKSUMS).write_text("nonsense\n"), "not a checksum", "line 1"),
        (lambda folder: (folder / CHECKSUMS).write_text(f"{'0' * 64}  ../driver\n"), "not a checksum", "line 1"),
        (lambda folder: (folder / CHECKSUMS).write_text(f"{'0' * 64}  a\n" * 2), "listed twice", "line 2"),
        (lambda folder: (folder / "driver_1.0+rc1.run").unlink(), "is no file", "driver_1.0+rc1.run"),
        (lambda folder: (folder / "driver_1.0+rc1.run").write_bytes(b"other"), "says", "driver_1.0+rc1.run"),
        (lambda folder: (folder / "stranger").mkdir(), "does not list it", "stranger"),
    ],
    ids=["no list", "no checksum", "a path", "twice", "missing", "another file", "not listed"],
)
def test_what_the_checksums_do_not_have_is_refused(brought: Path, spoil, reason: str, where: str) -> None:  # type: ignore[no-untyped-def]
    spoil(brought)
    with pytest.raises(AmalgamError, match=reason) as refused:
        site_files(brought)
    assert where in str(refused.value.where)
    assert refused.value.remedy
