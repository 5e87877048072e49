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


def test_an_engine_that_was_changed_is_refused(site: Any, tmp_path: Path) -> None:
    (site.bundle_path / "files/pulumi").write_bytes(b"another")
    with pytest.raises(AmalgamError, match="changed since the bundle was signed"):
        set_up(site, tmp_path / "home")
