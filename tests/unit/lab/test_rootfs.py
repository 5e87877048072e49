from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab import rootfs


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "debian"
    folder.mkdir()
    (folder / "Packages").write_text("Package: systemd\n")
    return folder


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders that a stand-in for mmdebstrap was asked to fill."""
    asked: list[Path] = []

    def build(target: Path, *_: object) -> None:
        asked.append(target)
        for name in ("etc/ssh", "etc/apt", "etc/systemd/system"):
            (target / name).mkdir(parents=True)
        for name in ("etc/ssh/ssh_host_rsa_key", "etc/ssh/sshd_config", "etc/hostname", "etc/apt/sources.list"):
            (target / name).touch()

    monkeypatch.setattr(rootfs, "_mmdebstrap", build)
    return asked


def _prepare(repository: Path) -> Path:
    return rootfs.prepare(repository, "amd64", lambda _: None)


def test_a_root_is_made_once_for_the_same_packages(repository: Path, built: list[Path]) -> None:
    assert _prepare(repository) == _prepare(repository)
    assert len(built) == 1


def test_other_packages_make_another_root(repository: Path, built: list[Path]) -> None:
    first = _prepare(repository)
    (repository / "Packages").write_text("Package: systemd\nVersion: 2\n")
    assert _prepare(repository) != first
    assert len(built) == 2


def test_a_root_left_half_made_is_made_again(repository: Path, built: list[Path]) -> None:
    half = _prepare(repository)
    half.rename(half.with_suffix(".partial"))
    assert (_prepare(repository) / "etc/ssh/sshd_config").exists()
    assert len(built) == 2


@pytest.mark.usefixtures("built")
def test_a_root_has_no_host_key_no_name_and_no_package_source(repository: Path) -> None:
    root = _prepare(repository)
    assert [file.name for file in (root / "etc/ssh").iterdir()] == ["sshd_config"]
    assert not (root / "etc/hostname").exists()
    assert not (root / "etc/apt/sources.list").exists()
    assert "nameserver" not in (root / "etc/resolv.conf").read_text()
    assert (root / "etc/systemd/system/sysinit.target.wants/lab-server.service").is_symlink()


def test_a_bundle_without_the_architecture_is_refused_with_the_command_that_adds_it(tmp_path: Path) -> None:
    with pytest.raises(AmalgamError) as caught:
        rootfs.prepare(tmp_path, "arm64", lambda _: None)
    assert "--arch arm64" in caught.value.remedy


def test_a_root_holds_nothing_that_a_role_installs() -> None:
    assert not {"containerd", "runc", "chrony", "haproxy", "conntrack"} & set(rootfs.PACKAGES)
