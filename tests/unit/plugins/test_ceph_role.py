"""The role ``ceph`` as far as it goes without a cluster: which disks its script takes, and which hosts it refuses."""

from __future__ import annotations

import base64
import configparser
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from amalgam.ceph_keys import ceph_fsid, ceph_key
from tests.unit.plugins.conftest import ROOT, Played

ROLE = ROOT / "roles" / "ceph"
PROGRAMS = ROLE / "templates" / "usr" / "local" / "libexec" / "amalgam"
MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The image of a blank disk."""
    image = tmp_path / "disk"
    image.touch()
    with image.open("r+b") as file:
        file.truncate(32 * MIB)
    return image


def write(image: Path, offset: int, content: bytes) -> None:
    """Put something on an image."""
    with image.open("r+b") as file:
        file.seek(offset)
        file.write(content)


@pytest.fixture
def look(tmp_path: Path, disk: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Have the script look at the disk; ``lsblk``, which takes no images, says ``listed``."""
    (tmp_path / "bin").mkdir()

    def run(listed: str = "sdb", **stand_ins: str) -> subprocess.CompletedProcess[str]:
        programs = {"lsblk": f"printf '%s\\n' {listed}" if listed else "exit 32"} | stand_ins
        for name, does in programs.items():
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        environment = {"PATH": f"{tmp_path / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin"}
        command = ["sh", str(PROGRAMS / "ceph-disk-blank"), str(disk)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_a_blank_disk_is_taken(look: Callable) -> None:
    looked = look()

    assert (looked.returncode, looked.stdout) == (0, ""), looked.stderr


EXT4 = (1080, b"\x53\xef")
BTRFS = (65536 + 64, b"_BHRfS_M")
SWAP = (1024, b"\x01\x00\x00\x00\xff")
SWAP_MARK = (4086, b"SWAPSPACE2")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ([SWAP, SWAP_MARK], "holds data"),
        ([(0, b"bluestore block device\n")], "holds data"),
        ([(0, b"XFSB"), BTRFS, EXT4], "holds data"),
        ([(0, b"rows of a database")], "does not begin with 16 MiB of zeros"),
        ([(16 * MIB - 1, b"\x01")], "does not begin with 16 MiB of zeros"),
    ],
    ids=["swap", "an OSD", "several signatures", "raw data", "raw data further on"],
)
def test_a_disk_with_anything_on_it_is_refused_and_left_as_it_is(
    disk: Path, look: Callable, what: list[tuple[int, bytes]], reason: str
) -> None:
    for offset, content in what:
        write(disk, offset, content)
    before = disk.read_bytes()

    looked = look()

    assert looked.returncode == 3
    assert f"{disk} {reason}" in looked.stderr
    assert f"wipefs --all {disk}" in looked.stderr
    assert disk.read_bytes() == before


@pytest.mark.parametrize("answer", [0, 4, 8, 127])
def test_any_answer_of_blkid_but_nothing_found_is_a_refusal(look: Callable, answer: int) -> None:
    looked = look(blkid=f"exit {answer}")

    assert looked.returncode == 3
    assert f"blkid ended with {answer}" in looked.stderr


@pytest.mark.parametrize("wipefs", ["exit 1", "echo 0xffffe00 gpt"], ids=["unreadable", "what blkid passes over"])
def test_a_disk_that_wipefs_cannot_read_or_knows_is_refused(look: Callable, wipefs: str) -> None:
    assert look(wipefs=wipefs).returncode == 3


@pytest.mark.parametrize("listed", ["sdb sdb1", "sdb vg-lv", ""], ids=["partitions", "a holder", "not seen"])
def test_a_disk_in_use_is_refused(look: Callable, listed: str) -> None:
    looked = look(listed)

    assert looked.returncode == 3
    assert "has partitions, is in use, or is not to be seen" in looked.stderr


def test_the_maker_of_osds_asks_for_every_disk() -> None:
    assert '"${0%/*}/ceph-disk-blank" "$path"' in (PROGRAMS / "ceph-osd-create").read_text()


SECRET = base64.b64encode(bytes(32)).decode()
OTHER = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def preflight(tmp_path: Path, play: Callable[..., Played]) -> Callable[..., Played]:
    """Run the preflight of a site with the first secret on a host whose files lie in the test's folder."""

    def run(*options: str) -> Played:
        variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text()) | {
            "__ceph_configuration": str(tmp_path / "ceph.conf"),
            "__ceph_monitor_store": str(tmp_path / "store"),
            "ceph_fsid": ceph_fsid(SECRET),
            "ceph_key_secret": SECRET,
        }
        tasks = [{"ansible.builtin.import_tasks": str(ROLE / "tasks" / "preflight.yml")}]
        return play(tasks, *options, vars=variables, gather_facts=False)

    return run


def cluster(folder: Path, secret: str) -> None:
    """What a host of a cluster has."""
    (folder / "ceph.conf").write_text(f"[global]\nfsid = {ceph_fsid(secret)}\nmon host = 10.0.0.1\n")
    store(folder, secret)


def store(folder: Path, secret: str) -> None:
    """A monitor's store, as `ceph-mon --mkfs` writes its key."""
    (folder / "store").mkdir()
    (folder / "store" / "keyring").write_text(f'[mon.]\n\tkey = {ceph_key(secret, "mon.")}\n\tcaps mon = "allow *"\n')


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_bare_host_and_one_of_the_sites_own_cluster_are_taken(
    tmp_path: Path, preflight: Callable, options: tuple[str, ...]
) -> None:
    bare = preflight(*options)
    cluster(tmp_path, SECRET)
    own = preflight(*options)

    assert (bare.rc, bare.changed) == (0, 0), bare.output
    assert (own.rc, own.changed) == (0, 0), own.output


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_host_of_another_cluster_is_refused_with_both_ids(
    tmp_path: Path, preflight: Callable, options: tuple[str, ...]
) -> None:
    cluster(tmp_path, OTHER)

    run = preflight(*options)

    said = " ".join(run.output.split())
    assert (run.rc, run.changed) == (2, 0)
    assert f"localhost belongs to the Ceph cluster {ceph_fsid(OTHER)}" in said
    assert f"those of the cluster {ceph_fsid(SECRET)}" in said
    assert "Restore the secrets with which the cluster was made" in said


def test_a_monitors_store_alone_tells_another_cluster(tmp_path: Path, preflight: Callable) -> None:
    store(tmp_path, OTHER)

    run = preflight()

    said = " ".join(run.output.split())
    assert (run.rc, run.changed) == (2, 0)
    assert f"localhost has the store of a monitor ({tmp_path}/store)" in said
    assert "Restore the secrets" in said
    assert ceph_key(OTHER, "mon.") not in run.output


def test_nothing_of_the_role_comes_before_its_preflight() -> None:
    first = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())[0]
    assert first["ansible.builtin.import_tasks"] == "preflight.yml"


def test_metadata_servers_and_gateways_may_use_the_pools_of_their_own_kind_alone(
    tmp_path: Path, play: Callable
) -> None:
    template = ROLE / "templates" / "etc/amalgam/ceph/entities.keyring.j2"
    arguments = {"src": str(template), "dest": str(tmp_path / "keyring")}
    variables = {"ceph_key_secret": SECRET, "ceph_hosts": ["stor1"]}
    run = play([{"ansible.builtin.template": arguments}], vars=variables, gather_facts=False)
    assert run.rc == 0, run.output
    keyring = configparser.ConfigParser()
    keyring.read(tmp_path / "keyring")

    assert keyring["mds.stor1"]["caps osd"] == '"allow rw tag cephfs *=*"'
    assert keyring["client.rgw.stor1"]["caps osd"] == '"allow rwx tag rgw *=*"'
    wide = [name for name in keyring.sections() if keyring[name].get("caps osd") in ('"allow *"', '"allow rwx"')]
    assert wide == ["client.admin", "mgr.stor1"]


def test_only_parts_with_a_class_are_groups_of_ceph_csi_and_only_where_it_is_chosen(
    tmp_path: Path, play: Callable
) -> None:
    template = ROLE / "templates" / "etc/amalgam/ceph/subvolumes.j2"
    parts = [{"name": "common", "size_gib": 1}, {"name": "vision", "size_gib": 2, "storage_class": "fast"}]
    lines = {}
    for groups in (False, True):
        arguments = {"src": str(template), "dest": str(tmp_path / "subvolumes")}
        variables = {"ceph_key_secret": SECRET, "ceph_subvolumes": parts, "ceph_volume_groups": groups}
        run = play([{"ansible.builtin.template": arguments}], vars=variables, gather_facts=False)
        assert run.rc == 0, run.output
        lines[groups] = [line.split() for line in (tmp_path / "subvolumes").read_text().splitlines()]

    assert [line[0] for line in lines[False]] == ["/subvolumes/common", "/subvolumes/vision"]
    assert [line[0] for line in lines[True]] == ["/subvolumes/common", "/volumes/vision"]
    keys = [ceph_key(SECRET, "client.vision"), ceph_key(SECRET, "client.manager.vision")]
    assert lines[True][1][1:] == ["vision", str(2 << 30), *keys]
    assert lines[False][1][1:] == lines[True][1][1:]


@pytest.fixture
def caps(tmp_path: Path) -> dict[str, dict[str, str]]:
    """What the clients of the group ``vision`` may do, by daemon, as the script asks Ceph for it."""
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin" / "ceph"
    stand_in.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" end >> {tmp_path}/told\n")
    stand_in.chmod(0o755)
    command = ["sh", str(PROGRAMS / "ceph-csi-caps"), "shared", "vision"]
    subprocess.run(command, env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}, check=True)
    calls = [call.splitlines()[4:] for call in (tmp_path / "told").read_text().split("end\n") if call]
    return {client: dict(zip(words[::2], words[1::2], strict=True)) for client, *words in calls}


def test_a_worker_may_do_with_a_group_what_mounting_takes_and_nothing_with_others(caps: dict) -> None:
    node = caps["client.vision"]
    assert node["mds"] == "allow rw path=/volumes/vision"
    assert node["osd"] == "allow rw pool=shared.data namespace=vision, allow r pool=shared.meta namespace=vision"
    assert node["mgr"] == ", ".join(
        f'allow command "fs subvolume {name}" with vol_name=shared group_name=vision'
        for name in ("info", "getpath", "metadata set", "snapshot info", "snapshot metadata set")
    )


def test_who_makes_volumes_opens_no_files(caps: dict) -> None:
    manager = caps["client.manager.vision"]
    assert manager.keys() == {"mon", "mgr", "osd"}
    assert manager["osd"] == "allow rw pool=shared.meta namespace=vision"


def test_no_client_of_ceph_csi_may_give_a_command_that_is_not_about_its_group(caps: dict) -> None:
    for rights in caps.values():
        assert rights["mon"] == "allow r"
        for grant in rights["mgr"].split(", "):
            assert grant.startswith('allow command "fs ')
            assert " with vol_name=shared group_name=vision" in grant
            assert "authorize" not in grant
    clones = [grant for grant in caps["client.manager.vision"]["mgr"].split(", ") if "snapshot clone" in grant]
    assert len(clones) == 1
    assert clones[0].endswith(" target_group_name=vision")
