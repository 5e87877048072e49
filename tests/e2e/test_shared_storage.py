"""Files that one worker writes another reads, whatever fails meanwhile; what was acknowledged is never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from amalgam.lab import cgroups
from tests.e2e.support.acknowledged import await_files, noted, writing
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Lab, Node, run_local
from tests.e2e.support.tenants import claim
from tests.e2e.support.volumes import pod_with_volume
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(900)

MOUNT = "/srv/shared/common"
PROGRAMS = "/usr/local/libexec/amalgam"


@pytest.fixture
def folder(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    """A folder of the test's own on the shared file system."""
    path = f"{MOUNT}/{request.node.originalname}"
    first = lab.node("gpu1")
    first.run(f"rm -rf {path} && mkdir {path}")
    yield path
    first.run(f"rm -rf {path}")


def test_what_one_worker_writes_another_reads(lab: Lab, folder: str) -> None:
    written = (
        lab.node("gpu1").run(f"cd {folder} && head -c 32M /dev/urandom >data && sync data && sha256sum data").stdout
    )
    assert lab.node("gpu2").run(f"cd {folder} && sha256sum data").stdout == written


def test_a_lock_of_one_worker_holds_on_another(lab: Lab, folder: str) -> None:
    holder = lab.node("gpu1").start(f"flock {folder}/lock sh -c 'until [ -e {folder}/stop ]; do sleep 0.2; done'")
    attempt = f"flock --nonblock {folder}/lock true"
    try:
        wait_until(
            "the lock is held", lambda: lab.node("gpu1").run(attempt, check=False).rc, lambda rc: rc == 1, seconds=30
        )
        assert lab.node("gpu2").run(attempt, check=False).rc == 1
    finally:
        lab.node("gpu1").run(f"touch {folder}/stop")
        holder.wait(timeout=60)
    # The kernel gives it back after the program's end.
    wait_until(
        "the lock is free", lambda: lab.node("gpu2").run(attempt, check=False).rc, lambda rc: rc == 0, seconds=30
    )


def test_a_write_past_the_quota_fails(lab: Lab, folder: str) -> None:
    # Each part is sent before the next: the quota counts what has arrived.
    fill = f"dd if=/dev/zero of={folder}/fill bs=64M count=25 oflag=dsync"
    full = lab.node("gpu1").run(fill, check=False, seconds=300)
    assert full.rc != 0
    assert "Disk quota exceeded" in full.stderr


@contextmanager
def _full_disks(storage: Node) -> Iterator[None]:
    """Every OSD holds more than it may, as one whose disk is full does."""
    ratios = [f"{kind}_ratio" for kind in ("nearfull", "backfillfull", "full")]
    before = json.loads(storage.run("ceph osd dump --format json").stdout)
    set_all = " && ".join(f"ceph osd set-{ratio.replace('_', '-')} {{{ratio}}}" for ratio in ratios)
    storage.run(set_all.format(**dict.fromkeys(ratios, 0.001)))
    try:
        yield
    finally:
        storage.run(set_all.format(**before))


def test_full_disks_refuse_writes_lose_nothing_and_take_them_again_when_there_is_room(lab: Lab, folder: str) -> None:
    worker, other = lab.node("gpu1"), lab.node("gpu2")
    sums = worker.run(f"cd {folder} && head -c 8M /dev/urandom >kept && sync kept && sha256sum kept").stdout
    write = f"timeout 60 dd if=/dev/zero of={folder}/more bs=1M count=1 oflag=append conv=notrunc,fsync"
    with _full_disks(lab.node("stor1")):
        wait_until(
            "a write is refused",
            lambda: worker.run(write, check=False).stderr,
            lambda said: "No space left on device" in said,
            seconds=60,
        )
        # In the moment in which they become full, a read was seen to fail (docs/limits.md).
        check = f"cd {folder} && sha256sum --check --quiet"
        wait_until("it is read", lambda: other.run(check, stdin=sums, check=False).rc == 0, seconds=30)
        # Who makes room can.
        worker.run(f"timeout 60 rm {folder}/more")
    wait_until("a write is taken", lambda: worker.run(write, check=False).rc == 0, seconds=60)
    other.run(f"cd {folder} && test -s more && sha256sum --check --quiet", stdin=sums)


@pytest.mark.parametrize(
    ("where", "kill"),
    [
        ("stor1", "pkill -KILL -f 'ceph-osd .*--id 0'"),
        ("stor1", "pkill -KILL -x ceph-mds"),
        ("stor1", "pkill -KILL -x ceph-mon"),
    ],
    ids=["an OSD", "the metadata server", "the monitor"],
)
def test_no_acknowledged_write_is_lost_when_a_daemon_is_killed(lab: Lab, folder: str, where: str, kill: str) -> None:
    with writing(lab.node("gpu1"), folder):
        await_files(lab.node("gpu1"), 10)
        lab.node(where).run(kill)
        await_files(lab.node("gpu1"), noted(lab.node("gpu1")) + 20)
    _compare(lab, folder)


def test_a_client_that_is_killed_is_back_by_itself(lab: Lab, folder: str) -> None:
    worker = lab.node("gpu1")
    worker.run(f"echo before >{folder}/file && sync {folder}/file && pkill -KILL -x ceph-fuse")
    wait_until(
        "the file system is mounted again",
        lambda: worker.run(f"cat {folder}/file", check=False).stdout,
        lambda text: text == "before\n",
        seconds=60,
    )
    # What the dead client held is let go after its session has ended.
    worker.run(f"timeout 90 sh -c 'echo after >{folder}/file && sync {folder}/file'")
    assert lab.node("gpu2").run(f"cat {folder}/file").stdout == "after\n"


_WRITING = [
    "/bin/sh",
    "-c",
    "while busybox date +%s >>/data/file && busybox sync /data/file; do busybox sleep 0.5; done",
]


@pytest.fixture
def writer(cluster: Cluster) -> Iterator[str]:
    """Namespace of a pod that writes to its volume all the time, and ends when it cannot."""
    with cluster.namespace("restart") as namespace:
        claimed = {"persistentVolumeClaim": {"claimName": "data"}}
        pod = pod_with_volume(cluster, "gpu1", _WRITING, claimed)
        pod["spec"]["restartPolicy"] = "Never"
        cluster.apply(namespace, claim("data", "shared", "16Mi"), pod)
        cluster.wait(namespace, "wait --for=condition=Ready pod/gpu1")
        yield namespace


def test_mounts_come_back_by_themselves_when_the_storage_host_dies_and_is_back_and_pods_go_on(
    lab: Lab, cluster: Cluster, folder: str, writer: str
) -> None:
    workers = [lab.node(name) for name in lab.members("workers")]
    with writing(lab.node("gpu1"), folder):
        await_files(lab.node("gpu1"), 10)
        cgroups.kill(lab.names.node_cgroup("stor1"))
        lab.command("stop", "stor1")
        lab.command("start", "stor1")
        for worker in workers:
            # The metadata server waits for clients that died before it did, as long as its sessions live.
            worker.run(f"timeout 280 sh -c 'echo {worker.name} >{folder}/{worker.name}'", seconds=300)
        await_files(lab.node("gpu1"), noted(lab.node("gpu1")) + 10)
    _compare(lab, folder)
    lines = f"--namespace {writer} exec gpu1 -- busybox wc -l /data/file"
    count = cluster.kubectl(lines, seconds=110).stdout
    wait_until("the same pod writes on", lambda: cluster.kubectl(lines).stdout, lambda seen: seen != count, seconds=60)


def test_a_worker_that_restarts_has_its_mounts_again(lab: Lab, folder: str) -> None:
    lab.node("gpu2").run(f"echo kept >{folder}/file && sync {folder}/file")
    lab.command("stop", "gpu2")
    lab.command("start", "gpu2")
    wait_until(
        "the mount is back",
        lambda: lab.node("gpu2").run(f"cat {folder}/file", check=False).stdout,
        lambda text: text == "kept\n",
        seconds=120,
    )


OSDS = "/etc/amalgam/ceph/osds"


@contextmanager
def _osds(storage: Node, change: str) -> Iterator[None]:
    """What describes the host's OSDs is changed meanwhile, by a shell command."""
    storage.run(f"cp {OSDS} /run/osds; {change}")
    try:
        yield
    finally:
        storage.run(f"mv /run/osds {OSDS}")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("/srv/ceph/foreign 1", "/srv/ceph/foreign is there already and no OSD of ours"),
        ("/srv/ceph/huge 999999", "999999 GiB do not fit"),
        ("/dev/disk/by-id/nothing -", "is no disk of this host"),
    ],
    ids=["a file of somebody's", "a full disk", "no such disk"],
)
def test_what_cannot_become_an_osd_is_refused_and_left_as_it_is(lab: Lab, entry: str, reason: str) -> None:
    storage = lab.node("stor1")
    storage.run("echo precious >/srv/ceph/foreign")
    before = storage.run("ls /srv/ceph; ceph osd ls").stdout
    try:
        with _osds(storage, f"echo '{entry}' >>{OSDS}"):
            refused = storage.run(f"{PROGRAMS}/ceph-osd-create", check=False)
        assert refused.rc != 0
        assert reason in refused.stderr
        assert storage.run("cat /srv/ceph/foreign").stdout == "precious\n"
        assert storage.run("ls /srv/ceph; ceph osd ls").stdout == before
    finally:
        storage.run("rm /srv/ceph/foreign")


def test_another_size_of_an_osd_is_refused(lab: Lab) -> None:
    storage = lab.node("stor1")
    path, size = storage.run(f"head -n 1 {OSDS}").stdout.split()
    with _osds(storage, f"sed --in-place 's|^{path} .*|{path} {int(size) + 1}|' {OSDS}"):
        refused = storage.run(f"{PROGRAMS}/ceph-osd-create", check=False)
    assert refused.rc != 0
    assert f"osd.0 was made with {size} GiB, and its size_gib in ceph_osds is {int(size) + 1} now" in refused.stderr
    assert storage.run(f"{PROGRAMS}/ceph-osd-create").stdout == ""


def test_a_disk_that_was_put_in_an_osd_s_place_is_refused(lab: Lab) -> None:
    storage, path = lab.node("stor1"), "/srv/ceph/replaced"
    own = f"/var/lib/amalgam/ceph/osd/$(systemd-escape --path {path})"
    storage.run(f"mkdir {own}; uuidgen >{own}/uuid; echo 99 >{own}/done; truncate --size 1G {path}")
    try:
        with _osds(storage, f"echo '{path} 1' >>{OSDS}"):
            refused = storage.run(f"{PROGRAMS}/ceph-osd-create", check=False)
    finally:
        storage.run(f"rm -r {own} {path}")
    assert refused.rc != 0
    assert f"{path} has no osd.99 on it any more" in refused.stderr


@pytest.fixture
def disk(lab: Lab, tmp_path: Path) -> Iterator[str]:
    """A block device of the storage host: the lab's own OSDs lie on files."""
    image, storage = tmp_path / "disk", lab.node("stor1")
    with image.open("wb") as file:
        file.truncate(5 << 30)
    device = run_local(["losetup", "--find", "--show", str(image)]).stdout.strip()
    numbers = run_local(["stat", "--format", "%Hr %Lr", device]).stdout
    storage.run(f"mknod {device} b {numbers}")
    yield device
    storage.run(f"rm {device}")
    run_local(["losetup", "--detach", device])
    image.unlink()


def test_an_osd_on_a_disk_whose_making_was_killed_is_finished_by_the_next_run(lab: Lab, disk: str) -> None:
    storage = lab.node("stor1")
    own = f"/var/lib/amalgam/ceph/osd/$(systemd-escape --path {disk})"
    before = storage.run("ceph osd ls").stdout.split()
    try:
        with _osds(storage, f"echo '{disk} -' >>{OSDS}"):
            storage.run(f"echo precious >{disk}")
            refused = storage.run(f"{PROGRAMS}/ceph-osd-create", check=False)
            assert "does not begin with 16 MiB of zeros" in refused.stderr
            assert storage.run(f"head -n 1 {disk}; ceph osd ls").stdout.split() == ["precious", *before]
            storage.run(f"dd if=/dev/zero of={disk} bs=4096 count=1 conv=fsync")
            for seconds in (0.05, 0.3, 0.8, 1.5):
                storage.run(f"timeout --signal KILL {seconds} {PROGRAMS}/ceph-osd-create", check=False)
            assert storage.run(f"{PROGRAMS}/ceph-osd-create").stdout in ("", f"osd.{len(before)} on {disk}\n")
            assert storage.run(f"{PROGRAMS}/ceph-osd-create").stdout == ""
            (made,) = set(storage.run("ceph osd ls").stdout.split()) - set(before)
            # As where it was killed between the start of the OSD and the mark.
            storage.run(f"rm {own}/done")
            assert storage.run(f"{PROGRAMS}/ceph-osd-create").stdout == f"osd.{made} on {disk}\n"
            wait_until(
                "the OSD is up",
                lambda: storage.run(f"ceph osd dump | grep '^osd.{made} '").stdout,
                lambda line: " up " in line,
                seconds=60,
            )
    finally:
        # Monitors learn late that one has ended, and refuse until then.
        purge = "timeout 60 sh -c 'until ceph osd purge $0 --yes-i-really-mean-it; do sleep 0.5; done' $id"
        gone = f"systemctl disable --quiet --now ceph-osd@$id; {purge}; rm -r /var/lib/ceph/osd/ceph-$id"
        storage.run(f"for id in $(cat {own}/done); do {gone}; done; rm -rf {own}")


def test_a_description_of_the_cluster_that_was_killed_is_finished_by_the_next_run(lab: Lab) -> None:
    storage = lab.node("stor1")
    storage.run("ceph config-key rm amalgam/applied")
    for seconds in (0.3, 1, 2):
        storage.run(f"timeout --signal KILL {seconds} {PROGRAMS}/ceph-cluster-apply", check=False)
    assert storage.run(f"{PROGRAMS}/ceph-cluster-apply").stdout == "applied\n"
    assert storage.run(f"{PROGRAMS}/ceph-cluster-apply").stdout == ""


def test_a_key_that_the_cluster_refuses_is_named_and_what_is_mounted_lives_on(lab: Lab, folder: str) -> None:
    """Of a part that this worker does not mount otherwise."""
    worker, keyring, part = lab.node("gpu2"), "/etc/amalgam/cephfs/keyring", "nlp"
    unit, target = f"cephfs@{part}", f"/srv/shared/{part}"
    mounted = "findmnt --noheadings --output ID,TARGET --types fuse.ceph-fuse,ceph"
    before = worker.run(mounted).stdout
    wrong = f"printf '[client.{part}]\nkey = %s\n' $(ceph-authtool --gen-print-key) >>{keyring}"
    worker.run(f"cp -p {keyring} /run/keyring && {wrong}")
    try:
        assert worker.run(f"systemctl start {unit}", check=False).rc != 0
        wait_until(
            "the journal names the key",
            lambda: worker.run(f"journalctl --unit {unit} --boot --output cat").stdout,
            lambda said: f"The cluster refuses the key of client.{part}" in said and "--tags storage" in said,
            seconds=60,
        )
        assert worker.run(mounted).stdout == before
        worker.run(f"echo alive >{folder}/file && sync {folder}/file")
    finally:
        worker.run(f"mv /run/keyring {keyring}; systemctl stop {unit}; systemctl reset-failed {unit}", check=False)
        roots = f"/srv/shared {target}"
        worker.run(f"chattr -i {roots} && rmdir {target} && chattr +i /srv/shared")
    assert lab.node("gpu1").run(f"cat {folder}/file").stdout == "alive\n"


def test_what_a_worker_may_no_longer_mount_is_unmounted_and_stays_so(lab: Lab) -> None:
    worker, keyring, unit = lab.node("gpu1"), "/etc/amalgam/cephfs/keyring", "cephfs@nlp"
    worker.run(f"cp -p {keyring} /run/keyring && sed -i '/client.nlp/,+1d' {keyring}")
    try:
        worker.run(f"{PROGRAMS}/cephfs-release")
        assert worker.run(f"systemctl is-enabled {unit}", check=False).stdout == "disabled\n"
        mounted = worker.run("findmnt --noheadings --output TARGET --types fuse.ceph-fuse,ceph").stdout.split()
        assert "/srv/shared/nlp" not in mounted
        assert MOUNT in mounted
    finally:
        worker.run(f"mv /run/keyring {keyring} && systemctl enable --quiet --now {unit}")


def _compare(lab: Lab, folder: str) -> None:
    """Every acknowledged file, read by the other worker."""
    noted = lab.node("gpu1").run("cat /run/acknowledged").stdout
    checked = lab.node("gpu2").run(f"cd {folder} && sha256sum --check --quiet", stdin=noted, check=False, seconds=300)
    assert checked.rc == 0, checked.output
