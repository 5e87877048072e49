"""What ceph-csi would do with Ceph, done by its keys: they make volumes of their class and reach nothing of another."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from tests.e2e.support.ceph_groups import FILE_SYSTEM, Group
from tests.e2e.support.nodes import Lab
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)

MIB = 1 << 20
VOLUME = "csi-vol-1"
DENIED = ("EACCES", "access denied", "Permission denied", "Operation not permitted", "EPERM")


@pytest.fixture(scope="module")
def groups(lab: Lab) -> Iterator[tuple[Group, Group]]:
    """Two groups of 24 MiB, each with a volume of 16 MiB."""
    suffix = secrets.token_hex(3)
    pair = tuple(Group(lab.node("stor1"), f"csi-{name}-{suffix}") for name in ("one", "other"))
    for group in pair:
        group.make(24 * MIB)
        group.volume(VOLUME, 16 * MIB)
    yield pair
    for group in pair:
        group.remove()


@pytest.fixture
def group(groups: tuple[Group, Group]) -> Group:
    """The first of them."""
    return groups[0]


@pytest.fixture
def other(groups: tuple[Group, Group]) -> Group:
    """The second."""
    return groups[1]


def _write_when_there_is_room(group: Group, name: str, size: int) -> None:
    """Write a file; what was freed before is taken off the sums as late as it was added to them."""
    path = group.path(VOLUME)
    wait_until("there is room", lambda: group.files(path, "write", name, size).rc, lambda rc: rc == 0, seconds=60)


def test_files_of_a_volume_lie_in_the_namespace_of_its_group(group: Group) -> None:
    written = group.files(group.path(VOLUME), "write", "file", 2 * MIB)

    inode = written.stdout.strip()
    assert written.rc == 0, written.stderr
    assert inode in group.objects(group.name)
    assert inode not in group.objects("")


def test_a_claims_size_is_its_volumes_quota_and_a_worker_cannot_lift_it(group: Group) -> None:
    path = group.path(VOLUME)
    # Sums follow seconds later where the metadata server is busy.
    wait_until(
        "a write is refused",
        lambda: group.files(path, "write", "fill", 512 * MIB).stderr.lower(),
        lambda said: "quota" in said,
        seconds=60,
    )
    assert group.files(path, "write", "fill", 0).rc == 0

    lifted = group.files(path, "ceph.quota.max_bytes", "/", 0)

    assert lifted.rc != 0
    assert "PermissionDenied" in lifted.stderr


def test_all_volumes_of_a_class_together_hold_no_more_than_its_part(group: Group) -> None:
    second = group.volume("csi-vol-2", 16 * MIB)
    _write_when_there_is_room(group, "half", 12 * MIB)

    # What is in a part is summed up from its folders every few seconds.
    wait_until(
        "a write is refused",
        lambda: group.files(second, "write", "half", 15 * MIB).stderr.lower(),
        lambda said: "quota" in said,
        seconds=60,
    )
    for path in (group.path(VOLUME), second):
        assert group.files(path, "write", "half", 0).rc == 0


def test_a_snapshot_is_restored_into_a_volume_of_the_same_group(group: Group) -> None:
    _write_when_there_is_room(group, "kept", 3)
    where = f"{FILE_SYSTEM} {VOLUME} csi-snap-1 --group_name {group.name}"
    group.ceph(group.manager, f"fs subvolume snapshot create {where}")
    assert group.files(group.path(VOLUME), "write", "kept", 1).rc == 0
    target = f"{FILE_SYSTEM} {VOLUME} csi-snap-1 csi-vol-3 --group_name {group.name} --target_group_name {group.name}"

    group.ceph(group.manager, f"fs subvolume snapshot clone {target}")

    status = f"fs clone status {FILE_SYSTEM} csi-vol-3 --group_name {group.name} --format json"
    wait_until(
        "the copy is there",
        lambda: json.loads(group.ceph(group.manager, status).stdout)["status"]["state"],
        lambda state: state == "complete",
        seconds=120,
    )
    copied = group.files(group.path("csi-vol-3"), "size", "kept")
    assert copied.stdout.strip() == "3 b'xxx'", copied.output


@pytest.mark.parametrize("who", ["", "manager."])
@pytest.mark.parametrize(
    "command",
    [
        "fs subvolume authorize FS VOLUME intruder --group_name OWN",
        "fs subvolume authorize FS VOLUME intruder --group_name OTHER",
        "fs subvolume info FS VOLUME --group_name OTHER",
        "fs subvolume info FS VOLUME",
        "fs subvolume create FS more --group_name OTHER",
        "fs subvolume create FS more",
        "fs subvolume rm FS VOLUME --group_name OTHER",
        "fs subvolume resize FS VOLUME 1 --group_name OTHER",
        "fs subvolume snapshot create FS VOLUME theirs --group_name OTHER",
        "fs subvolume snapshot clone FS VOLUME csi-snap-1 stolen --group_name OTHER --target_group_name OWN",
        "fs subvolume snapshot clone FS VOLUME csi-snap-1 planted --group_name OWN --target_group_name OTHER",
        "fs subvolume snapshot clone FS VOLUME csi-snap-1 planted --group_name OWN",
        "fs subvolume metadata set FS VOLUME key value --group_name OTHER",
        "fs subvolumegroup ls FS",
        "auth get client.admin",
        "config-key dump",
    ],
)
def test_neither_client_may_do_what_is_not_about_its_own_group(
    group: Group, other: Group, who: str, command: str
) -> None:
    words = {"FS": FILE_SYSTEM, "VOLUME": VOLUME, "OWN": group.name, "OTHER": other.name}
    given = " ".join(words.get(word, word) for word in command.split())

    refused = group.ceph(who + group.name, given, check=False)

    assert refused.rc != 0
    assert any(sign in refused.stderr for sign in DENIED), refused.output


@pytest.mark.parametrize(
    "command",
    [
        "fs subvolume create FS more --group_name OWN",
        "fs subvolume rm FS VOLUME --group_name OWN",
        "fs subvolume resize FS VOLUME inf --group_name OWN",
        "fs subvolume snapshot rm FS VOLUME csi-snap-1 --group_name OWN",
    ],
)
def test_a_worker_makes_and_removes_no_volumes(group: Group, command: str) -> None:
    words = {"FS": FILE_SYSTEM, "VOLUME": VOLUME, "OWN": group.name}
    refused = group.ceph(group.name, " ".join(words.get(word, word) for word in command.split()), check=False)
    assert refused.rc != 0
    assert any(sign in refused.stderr for sign in DENIED), refused.output


def test_raw_objects_of_others_are_closed(group: Group, other: Group) -> None:
    assert other.files(other.path(VOLUME), "write", "secret", MIB).rc == 0
    (found, *_) = sorted(other.objects(other.name))
    for client in (group.name, group.manager):
        for where in (
            f"{FILE_SYSTEM}.data --namespace {other.name} get {found}.00000000 -",
            f"{FILE_SYSTEM}.meta --namespace {other.name} listomapkeys csi.volumes.default",
            f"{FILE_SYSTEM}.meta listomapkeys 1.00000000",
        ):
            refused = group.rados(client, where, check=False)
            assert refused.rc != 0
            assert any(sign in refused.stderr for sign in DENIED), refused.output


def test_what_is_noted_of_volumes_is_written_by_the_manager_and_read_by_workers(group: Group) -> None:
    notes = f"{FILE_SYSTEM}.meta --namespace {group.name}"
    group.rados(group.manager, f"{notes} setomapval csi.volumes.default csi.volume.pvc-1 some-uuid")

    assert group.rados(group.name, f"{notes} listomapkeys csi.volumes.default").stdout == "csi.volume.pvc-1\n"
    refused = group.rados(group.name, f"{notes} setomapval csi.volumes.default csi.volume.pvc-1 mine", check=False)
    assert refused.rc != 0


def test_the_manager_opens_no_files(group: Group) -> None:
    mounted = group.node.run(
        "timeout 60 python3 -c 'import cephfs, sys;"
        f' files = cephfs.LibCephFS(conffile="/etc/ceph/ceph.conf", auth_id="{group.manager}",'
        f' conf={{"keyring": "{group.keyring(group.manager)}"}}); files.mount(filesystem_name="{FILE_SYSTEM}")\'',
        check=False,
    )
    assert mounted.rc != 0
