"""The scripts of the role ``ceph_client``, with stand-ins for the clients, in folders of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.plugins.conftest import ROOT

PROGRAMS = ROOT / "roles" / "ceph_client" / "templates" / "usr" / "local" / "libexec" / "amalgam"
KEY = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The folders of a worker, whose programs note how they were called; its kernel has no Ceph client."""
    for folder in ("etc/amalgam/cephfs", "run", "bin", "libexec"):
        (tmp_path / folder).mkdir(parents=True)
    settings = f"ENTITY=client.\nFILE_SYSTEM=shared\nMONITORS=10.0.0.1:3300\nROOT={tmp_path}/srv\n"
    (tmp_path / "etc/amalgam/cephfs/mount.env").write_text(settings)
    programs = {
        "modprobe": "exit 1",
        "chattr": "",
        "sleep": "echo sleep $@ >> $TOLD",
        "mount": "echo mount $@ >> $TOLD",
        "ceph-authtool": f"echo {KEY}",
    }
    for name, does in programs.items():
        stand_in(tmp_path, name, does)
    for name in ("cephfs-mount", "cephfs-explain"):
        script = (PROGRAMS / name).read_text()
        # In a test, these belong to this machine.
        script = script.replace("/etc/amalgam", f"{tmp_path}/etc/amalgam").replace("/run/", f"{tmp_path}/run/")
        script = script.replace("/usr/local/libexec/amalgam", f"{tmp_path}/libexec").replace("/proc/", f"{tmp_path}/")
        (tmp_path / "libexec" / name).write_text(script)
    (tmp_path / "libexec" / "cephfs-unmount").write_text("#!/bin/sh\necho unmount $@ >> $TOLD\n")
    (tmp_path / "libexec" / "cephfs-unmount").chmod(0o755)
    (tmp_path / "filesystems").write_text("nodev\tfuse\n")
    return tmp_path


def stand_in(host: Path, name: str, does: str) -> None:
    """Put a program onto the host."""
    (host / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
    (host / "bin" / name).chmod(0o755)


@pytest.fixture
def run(host: Path) -> Run:
    """Run one of the scripts for the subvolume ``vision``."""

    def run_script(name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {"PATH": f"{host / 'bin'}:/usr/bin:/bin", "TOLD": str(host / "told")} | environment
        command = ["sh", str(host / "libexec" / name), "vision"]
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)

    return run_script


def told(host: Path) -> list[str]:
    """How the programs were called."""
    return (host / "told").read_text().splitlines()


@pytest.mark.parametrize("by", ["module", "built in"])
def test_the_kernels_client_is_taken_where_there_is_one_and_the_key_is_no_argument(
    host: Path, run: Run, by: str
) -> None:
    stand_in(host, "ceph-fuse", "exit 9")
    if by == "module":
        stand_in(host, "modprobe", '[ "$*" = "--quiet ceph" ]')
    else:
        (host / "filesystems").write_text("nodev\tfuse\nnodev\tceph\n")

    mounted = run("cephfs-mount")

    assert mounted.returncode == 0, mounted.stderr
    secret = host / "run" / "cephfs-vision.secret"
    options = f"name=vision,secretfile={secret},fs=shared,ms_mode=secure,recover_session=clean"
    mount = f"mount -t ceph 10.0.0.1:3300:/subvolumes/vision {host}/srv/vision -o {options}"
    assert told(host) == ["unmount vision", mount, "sleep infinity"]
    assert (secret.read_text().strip(), secret.stat().st_mode & 0o777) == (KEY, 0o600)
    assert KEY not in mounted.stdout + mounted.stderr


def test_ceph_fuse_is_taken_where_the_kernel_has_no_client(host: Path, run: Run) -> None:
    stand_in(host, "ceph-fuse", "echo ceph-fuse $@ >> $TOLD")

    mounted = run("cephfs-mount")

    assert mounted.returncode == 0, mounted.stderr
    settings = "-f --conf ceph.conf --keyring keyring --name client.vision"
    place = f"--client_fs shared --client_mountpoint /subvolumes/vision {host}/srv/vision"
    assert told(host) == ["unmount vision", f"ceph-fuse {settings} {place}"]
    assert list((host / "run").glob("*.secret")) == []


def test_a_host_with_neither_client_is_told_what_to_do(run: Run) -> None:
    refused = run("cephfs-mount")

    assert refused.returncode == 3
    assert "no Ceph client, and there is no ceph-fuse" in refused.stderr
    assert "leave this host out of the hosts of vision in ceph_subvolumes" in refused.stderr


def test_a_mount_that_the_kernel_refuses_ends_the_unit(host: Path, run: Run) -> None:
    stand_in(host, "modprobe", "")
    stand_in(host, "mount", "echo mount error 13 = Permission denied >&2; exit 32")

    refused = run("cephfs-mount")

    assert refused.returncode == 32
    assert told(host) == ["unmount vision"]


def test_a_key_that_the_cluster_refuses_is_named_with_what_to_do(host: Path, run: Run) -> None:
    stand_in(host, "ceph", "echo '[errno 13] RADOS permission denied (error connecting to the cluster)' >&2; exit 13")

    said = run("cephfs-explain", SERVICE_RESULT="exit-code").stderr

    assert "The cluster refuses the key of client.vision" in said
    assert "run the site with the secrets with which the cluster was made" in said


@pytest.mark.parametrize(
    ("result", "ceph"),
    [("success", "echo permission denied; exit 13"), ("exit-code", "echo timed out >&2; exit 110"), ("exit-code", "")],
    ids=["an unmount", "no cluster", "a good key"],
)
def test_nothing_is_said_of_keys_after_anything_else(host: Path, run: Run, result: str, ceph: str) -> None:
    stand_in(host, "ceph", ceph)

    ended = run("cephfs-explain", SERVICE_RESULT=result)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_unit_asks_for_the_reason_when_it_has_failed() -> None:
    unit = (PROGRAMS.parents[3] / "etc/systemd/system/cephfs@.service.j2").read_text()
    assert "ExecStopPost=-/usr/local/libexec/amalgam/cephfs-explain %i" in unit
