"""Archives are the same bytes for the same content, whatever the machine says of times, owners and order."""

from __future__ import annotations

import io
import os
import tarfile

import pytest

from amalgam.bundle.tar import (
    Entry,
    folder,
    merged_usr,
    program_entry,
    tree_entries,
    write_layer,
    write_tar,
    write_tar_gz,
)
from amalgam.errors import AmalgamError


def packed(entries):
    stream = io.BytesIO()
    write_tar(stream, entries)
    return stream.getvalue()


def members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: member for member in tar}


def test_order_and_times_of_the_sources_do_not_matter(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    forward = packed([program_entry("usr/bin/a", tmp_path / "a"), program_entry("usr/bin/b", tmp_path / "b")])
    os.utime(tmp_path / "a", (1, 1))
    backward = packed([program_entry("usr/bin/b", tmp_path / "b"), program_entry("usr/bin/a", tmp_path / "a")])
    assert forward == backward


def test_folders_above_a_file_come_first_and_all_is_roots():
    found = members(packed([Entry("opt/cni/bin/x", 0o755, data=b"x")]))
    assert list(found) == ["opt", "opt/cni", "opt/cni/bin", "opt/cni/bin/x"]
    assert {(m.uid, m.gid, m.mtime) for m in found.values()} == {(0, 0, 0)}
    assert found["opt"].mode == 0o755


def test_a_given_folder_keeps_its_mode():
    assert members(packed([folder("tmp", 0o1777), Entry("tmp/x", data=b"")]))["tmp"].mode == 0o1777


def test_two_files_for_one_path_are_refused():
    with pytest.raises(AmalgamError, match="two files for one path"):
        packed([Entry("a", data=b"1"), Entry("a", data=b"2")])


def test_gzip_and_layer_bytes_are_stable(tmp_path):
    entries = [Entry("a", data=b"x" * 100_000), Entry("l", link="a")]
    for name in ("one", "two"):
        write_tar_gz(tmp_path / f"{name}.gz", entries)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert write_layer(tmp_path / "one.zst", entries) == write_layer(tmp_path / "two.zst", entries)
    assert (tmp_path / "one.zst").read_bytes() == (tmp_path / "two.zst").read_bytes()


def test_a_tree_keeps_links_and_what_runs_and_leaves_out_what_is_excluded(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "lib" / "a.h").write_text("a")
    (tmp_path / "run.sh").write_text("#!/bin/sh")
    (tmp_path / "tests" / "t.c").write_text("t")
    (tmp_path / "lib" / "b.h").symlink_to("a.h")
    found = {entry.path: entry for entry in tree_entries(tmp_path, "var/bpf", ["var/bpf/tests"])}
    assert sorted(found) == ["var/bpf/lib/a.h", "var/bpf/lib/b.h", "var/bpf/run.sh"]
    assert found["var/bpf/run.sh"].mode == 0o755
    assert found["var/bpf/lib/b.h"].link == "a.h"


@pytest.mark.parametrize(
    ("before", "after"), [("bin/sh", "usr/bin/sh"), ("lib64/ld.so", "usr/lib64/ld.so"), ("etc/x", "etc/x")]
)
def test_top_level_folders_are_merged_into_usr(before, after):
    assert merged_usr(Entry(before)).path == after
