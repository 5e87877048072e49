"""The role ``harbor`` as far as it goes without Harbor's installer, which cannot be had here.

Its refusals run in real plays on this machine, its templates are rendered, its script runs with stand-ins for Docker
and for the installer's own program.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.unit.plugins.conftest import ROOT, Played

ROLE = ROOT / "roles" / "harbor"
PREFLIGHT = str(ROLE / "tasks" / "preflight.yml")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """What a good host and controller have; ``docker`` is one that says yes to everything."""
    (tmp_path / "installer.tgz").write_bytes(b"not a real one")
    (tmp_path / "installer.tgz.sha256").write_text("0" * 64 + "  installer.tgz\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "bin" / "docker").chmod(0o755)
    return tmp_path


@pytest.fixture
def preflight(host: Path, play: Callable[..., Played]) -> Callable[..., Played]:
    """Run the preflight."""

    def run(*options: str, least_gib: int = 0) -> Played:
        variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text()) | {
            "__harbor_embedded": str(host / "registry.conf"),
            "harbor_installer_path": str(host / "installer.tgz"),
            "harbor_data_volume": str(host / "not" / "there" / "yet"),
            "harbor_least_gib": least_gib,
        }
        environment = {"PATH": f"{host / 'bin'}:/usr/bin:/bin"}
        tasks = [{"ansible.builtin.import_tasks": PREFLIGHT}]
        return play(tasks, *options, vars=variables, environment=environment, gather_facts=False)

    return run


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_good_host_is_taken_and_left_as_it_is(host: Path, preflight: Callable, options: tuple[str, ...]) -> None:
    run = preflight(*options)

    assert (run.rc, run.changed) == (0, 0), run.output
    assert not (host / "not").exists()


@pytest.mark.parametrize("missing", ["installer.tgz", "installer.tgz.sha256"])
def test_a_missing_installer_or_checksum_is_named_with_what_to_do(
    host: Path, preflight: Callable, missing: str
) -> None:
    (host / missing).unlink()

    run = preflight()

    assert run.rc == 2
    assert str(host / "installer.tgz") in run.output
    assert "sha256sum FILE > FILE.sha256" in " ".join(run.output.split())


@pytest.mark.parametrize("refused", ["info", "compose"])
def test_a_host_without_docker_or_without_compose_is_refused(host: Path, preflight: Callable, refused: str) -> None:
    (host / "bin" / "docker").write_text(f'#!/bin/sh\n[ "$1" != {refused} ]\n')

    run = preflight()

    assert run.rc == 2
    assert "install Docker Engine and its Compose plugin" in " ".join(run.output.split())


def test_a_full_disk_is_refused_with_the_numbers(preflight: Callable) -> None:
    run = preflight(least_gib=1_000_000)

    assert run.rc == 2
    assert "fewer than harbor_least_gib (1000000)" in " ".join(run.output.split())


def test_a_disk_that_harbor_itself_has_filled_is_no_reason(host: Path, preflight: Callable) -> None:
    (host / "not" / "there" / "yet" / "database").mkdir(parents=True)

    assert preflight(least_gib=1_000_000).rc == 0


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_host_that_serves_the_embedded_registry_is_refused_with_how_to_change_over(
    host: Path, preflight: Callable, options: tuple[str, ...]
) -> None:
    (host / "registry.conf").touch()

    run = preflight(*options)

    said = " ".join(run.output.split())
    assert (run.rc, run.changed) == (2, 0)
    assert "localhost serves the embedded registry at the same name and port" in said
    assert f"`systemctl disable --now registry`, remove {host}/registry.conf" in said


@pytest.fixture
def install(host: Path, play: Callable[..., Played]) -> Callable[..., Played]:
    """Unpack something of the form of Harbor's installer below the test's folder."""
    with tarfile.open(host / "installer.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("harbor/prepare")
        member.size, member.mode = 9, 0o755
        archive.addfile(member, io.BytesIO(b"#!/bin/sh"))
    sha256 = hashlib.sha256((host / "installer.tgz").read_bytes()).hexdigest()
    (host / "installer.tgz.sha256").write_text(f"{sha256}  installer.tgz\n")
    # The last one's files are the bundle's, and go below the root of the machine.
    *tasks, last = yaml.safe_load((ROLE / "tasks" / "install.yml").read_text())
    assert "bundle_archive" in last
    for arguments in (value for task in tasks for value in task.values() if isinstance(value, dict)):
        # Tests are not only root's to run.
        arguments.pop("owner", None), arguments.pop("group", None)

    def run(*options: str) -> Played:
        variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text()) | {
            "__harbor_home": str(host / "opt" / "{{ __harbor_sha256[:12] }}"),
            "harbor_installer_path": str(host / "installer.tgz"),
        }
        return play(tasks, *options, vars=variables, gather_facts=False)

    return run


def test_the_installer_is_unpacked_once_and_again_where_that_was_cut_off(host: Path, install: Callable) -> None:
    first, second = install(), install()

    assert (first.rc, first.changed) == (0, 3), first.output
    assert (second.rc, second.changed) == (0, 0), second.output
    (home,) = (host / "opt").iterdir()
    assert (home.name, home.stat().st_mode & 0o777) == ((host / "installer.tgz.sha256").read_text()[:12], 0o700)
    (home / "unpacked").unlink()
    (home / "harbor" / "prepare").write_text("half")

    assert install().rc == 0
    assert (home / "harbor" / "prepare").read_text() == "#!/bin/sh"
    assert (home / "unpacked").exists()


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_an_altered_installer_is_refused_before_anything_is_unpacked(
    host: Path, install: Callable, options: tuple[str, ...]
) -> None:
    with (host / "installer.tgz").open("ab") as installer:
        installer.write(b"more")

    run = install(*options)

    assert (run.rc, run.changed) == (2, 0)
    assert f"{host}/installer.tgz.sha256 has. Carry it over again." in " ".join(run.output.split())
    assert not (host / "opt").exists()


def test_check_mode_unpacks_nothing(host: Path, install: Callable) -> None:
    run = install("--check")

    assert (run.rc, run.changed) == (0, 1), run.output
    assert not (host / "opt").exists()


VARIABLES = {
    "ansible_managed": "Managed",
    "harbor_name": "registry.example.internal",
    "harbor_port": 5000,
    "harbor_http_port": 8080,
    "harbor_metrics_port": 9091,
    "harbor_data_volume": "/srv/harbor",
    "harbor_admin_password": 'a"b: #{c}',
    "harbor_database_password": "0123",
    "harbor_scanner": True,
    "__harbor_home": "/opt/amalgam/harbor/0123",
}


def rendered(play: Callable[..., Played], folder: Path, template: str, **changed: object) -> str:
    """A template of the role as Ansible renders it."""
    arguments = {"src": str(ROLE / "templates" / template), "dest": str(folder / "rendered")}
    run = play([{"ansible.builtin.template": arguments}], vars=VARIABLES | changed, gather_facts=False)
    assert run.rc == 0, run.output
    return (folder / "rendered").read_text()


def test_the_settings_are_what_harbor_reads_whatever_the_passwords_hold(tmp_path: Path, play: Callable) -> None:
    settings = yaml.safe_load(rendered(play, tmp_path, "etc/amalgam/harbor/harbor.yml.j2"))

    assert settings["hostname"] == "registry.example.internal"
    assert settings["https"]["port"] == 5000
    assert settings["harbor_admin_password"] == 'a"b: #{c}'
    assert settings["database"]["password"] == "0123"
    assert settings["metric"] == {"enabled": True, "port": 9091, "path": "/metrics"}
    assert settings["trivy"]["skip_update"] is settings["trivy"]["offline_scan"] is True


@pytest.mark.parametrize(("scanner", "ending"), [(True, "harbor.yml --with-trivy"), (False, "harbor.yml")])
def test_the_scanner_is_installed_where_it_is_wanted(
    tmp_path: Path, play: Callable, scanner: bool, ending: str
) -> None:
    unit = rendered(play, tmp_path, "etc/systemd/system/harbor.service.j2", harbor_scanner=scanner)

    (before,) = [line for line in unit.splitlines() if line.startswith("ExecStartPre=")]
    assert before.endswith(ending)


def test_images_are_loaded_once_and_settings_written_at_every_start(host: Path) -> None:
    folder, told = host / "harbor", host / "told"
    folder.mkdir()
    (folder / "harbor.any.tar.gz").write_bytes(b"")
    (folder / "prepare").write_text(f'#!/bin/sh\necho prepare "$@" >> {told}\n')
    (folder / "prepare").chmod(0o755)
    (host / "bin" / "docker").write_text(f'#!/bin/sh\necho docker "$@" >> {told}\n')
    (host / "settings.yml").write_text("hostname: one\n")
    script = ROLE / "templates" / "usr/local/libexec/amalgam/harbor-prepare"
    command = ["sh", str(script), str(folder), str(host / "settings.yml"), "--with-trivy"]
    for _ in range(2):
        subprocess.run(command, check=True, env={"PATH": f"{host / 'bin'}:/usr/bin:/bin"})

    loaded = "docker load --quiet --input harbor.any.tar.gz"
    assert told.read_text().splitlines() == [loaded, "prepare --with-trivy", "prepare --with-trivy"]
    assert (folder / "harbor.yml").read_text() == "hostname: one\n"
    assert (folder / "harbor.yml").stat().st_mode & 0o777 == 0o600


def test_images_that_do_not_load_are_loaded_again_by_the_next_start(host: Path) -> None:
    (host / "harbor").mkdir()
    (host / "harbor" / "harbor.any.tar.gz").write_bytes(b"")
    (host / "bin" / "docker").write_text("#!/bin/sh\nexit 1\n")
    script = ROLE / "templates" / "usr/local/libexec/amalgam/harbor-prepare"
    command = ["sh", str(script), str(host / "harbor"), str(host / "settings.yml")]

    assert subprocess.run(command, check=False, env={"PATH": f"{host / 'bin'}:/usr/bin:/bin"}).returncode == 1
    assert not (host / "harbor" / "images-loaded").exists()
