from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from amalgam import pulumi_home
from amalgam.bundle.host import host_arch
from amalgam.bundle.store import file_sha256
from amalgam.errors import AmalgamError
from amalgam.pulumi_home import LANGUAGE_HOST, PLUGIN, set_up

VERSION = "4.0.0"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A site whose bundle holds an engine; the bundle's signature is another test's matter."""
    engine = tmp_path / "bundle/files/pulumi"
    engine.parent.mkdir(parents=True)
    engine.write_bytes(b"the engine")
    found = SimpleNamespace(
        kind="file", name="pulumi", arch=host_arch(), path="files/pulumi", sha256=file_sha256(engine)
    )
    monkeypatch.setattr(pulumi_home, "verify_bundle", lambda *_, **__: SimpleNamespace(artifacts=[found]))
    monkeypatch.setattr(pulumi_home, "sdk_version", lambda: VERSION)
    # Nothing of this machine's own is found.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    (tmp_path / "state").mkdir()
    return SimpleNamespace(
        bundle_path=tmp_path / "bundle", bundle_allowed_signers=tmp_path, state_dir=tmp_path / "state"
    )


def _plugin(home: Path) -> Path:
    return home / "plugins" / f"resource-kubernetes-v{VERSION}" / PLUGIN


def test_engine_host_and_plugin_are_put_in_place(site: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = set_up(site, home)
    assert (home / "bin/pulumi").read_bytes() == b"the engine"
    for program in (home / "bin/pulumi", home / "bin" / LANGUAGE_HOST, _plugin(home)):
        assert program.stat().st_mode & 0o777 == 0o755
    assert not found.language_host_is_official
    assert not found.plugin_is_official
    assert found.environment()["PULUMI_HOME"] == str(home)


def test_a_second_time_changes_nothing_that_is_kept(site: Any, tmp_path: Path) -> None:
    first = set_up(site, tmp_path / "home")
    passphrase = first.passphrase.read_text()
    assert set_up(site, tmp_path / "home") == first
    assert first.passphrase.read_text() == passphrase


def test_state_and_passphrase_are_for_their_owner_alone(site: Any, tmp_path: Path) -> None:
    found = set_up(site, tmp_path / "home")
    assert found.passphrase.stat().st_mode & 0o777 == 0o600
    assert found.backend.stat().st_mode & 0o777 == 0o700
    assert len(found.passphrase.read_text().strip()) >= 32


def test_official_parts_are_left_as_they_are(site: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for program in (home / "bin/pulumi", home / "bin" / LANGUAGE_HOST, _plugin(home)):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_bytes(b"official")
    found = set_up(site, home)
    assert found.language_host_is_official
    assert found.plugin_is_official
    assert {(home / "bin/pulumi").read_bytes(), _plugin(home).read_bytes()} == {b"official"}


@pytest.mark.parametrize("where", ["path", ".pulumi/bin"])
@pytest.mark.parametrize("with_engine", [True, False])
def test_official_ones_elsewhere_are_found_and_used(site: Any, tmp_path: Path, where: str, with_engine: bool) -> None:
    folder, home = tmp_path / where, tmp_path / "home"
    assert not set_up(site, home).language_host_is_official
    folder.mkdir(parents=True)
    for name in (LANGUAGE_HOST, *(["pulumi"] if with_engine else [])):
        (folder / name).write_bytes(b"official")
    for _ in range(2):
        found = set_up(site, home)
        assert (found.language_host_is_official, found.engine_is_official) == (True, with_engine)
        assert (home / "bin" / LANGUAGE_HOST).resolve() == folder / LANGUAGE_HOST
        assert (home / "bin/pulumi").read_bytes() == (b"official" if with_engine else b"the engine")
    (folder / LANGUAGE_HOST).unlink()
    assert not set_up(site, home).language_host_is_official
    assert b"amalgam" in (home / "bin" / LANGUAGE_HOST).read_bytes()


def test_an_official_plugin_elsewhere_is_found_and_used(site: Any, tmp_path: Path) -> None:
    home, theirs = tmp_path / "home", _plugin(tmp_path / ".pulumi")
    assert not set_up(site, home).plugin_is_official
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"official")
    for _ in range(2):
        found = set_up(site, home)
        assert (found.plugin_is_official, found.language_host_is_official) == (True, False)
        assert _plugin(home).resolve() == theirs
    theirs.unlink()
    assert not set_up(site, home).plugin_is_official
    assert b"amalgam" in _plugin(home).read_bytes()


def test_an_engine_of_an_older_bundle_is_replaced_and_another_one_is_not(site: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    set_up(site, home)
    (site.bundle_path / "files/pulumi").write_bytes(b"newer")
    (artifact,) = pulumi_home.verify_bundle().artifacts
    artifact.sha256 = file_sha256(site.bundle_path / "files/pulumi")
    assert not set_up(site, home).engine_is_official
    assert (home / "bin/pulumi").read_bytes() == b"newer"
    (home / "bin/pulumi").write_bytes(b"official")
    found = set_up(site, home)
    assert (found.engine_is_official, found.language_host_is_official) == (True, False)
    assert (home / "bin/pulumi").read_bytes() == b"official"


def test_an_engine_that_was_changed_is_refused(site: Any, tmp_path: Path) -> None:
    (site.bundle_path / "files/pulumi").write_bytes(b"another")
    with pytest.raises(AmalgamError, match="changed since the bundle was signed"):
        set_up(site, tmp_path / "home")
