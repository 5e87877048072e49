"""The vaulted secrets of a site: made once, kept whatever happens."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from amalgam import secrets
from amalgam.errors import AmalgamError
from amalgam.pki import ServerName
from amalgam.secrets import CA_FILE, PASSWORD_FILE, SECRETS_FILE, keep_registry_secret, prepare_secrets

SERVER = ServerName("bundle-server", ["bundle.example.internal"], ["192.0.2.31"])


def vault(action: str, folder: Path, content: bytes) -> bytes:
    """What Ansible's own library makes of ``content`` with the site's password."""
    password = VaultSecret((folder / PASSWORD_FILE).read_bytes().strip())
    result: bytes = getattr(VaultLib([("default", password)]), action)(content)
    return result


def stored(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(vault("decrypt", folder, (folder / SECRETS_FILE).read_bytes()))
    return content


def modes(folder: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in (folder, folder / SECRETS_FILE, folder / PASSWORD_FILE)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with secrets. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("site") / "state"
    assert prepare_secrets(folder, "example", [SERVER]).changed
    return folder


@pytest.fixture
def fresh(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to do harm to."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    for name in (SECRETS_FILE, PASSWORD_FILE):
        (folder / name).write_bytes((made / name).read_bytes())
    return folder


def test_secrets_are_vaulted_and_only_the_owner_can_read_them(made: Path) -> None:
    assert (made / SECRETS_FILE).read_bytes().startswith(b"$ANSIBLE_VAULT;1.1;AES256")
    assert modes(made) == [0o700, 0o600, 0o600]
    assert sorted(path.name for path in made.iterdir()) == [CA_FILE, SECRETS_FILE, PASSWORD_FILE]


def test_the_authority_s_certificate_lies_beside_them_for_everybody(made: Path) -> None:
    assert (made / CA_FILE).read_text() == stored(made)["site_ca"]["certificate"]
    assert (made / CA_FILE).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("service", ["registry", "monitoring"])
def test_each_user_of_a_service_gets_a_password_that_stays_until_it_is_renewed(fresh: Path, service: str) -> None:
    def passwords(*users: str, renew: str | None = None) -> dict[str, str]:
        prepare_secrets(fresh, "example", **{f"{service}_users": users}, renew=renew)
        return dict(stored(fresh)[f"{service}_passwords"])

    first = passwords("alice", "bob")
    assert set(first) == {"alice", "bob"}
    assert passwords("bob") == first
    renewed = passwords("alice", "bob", renew="alice")
    assert renewed["bob"] == first["bob"]
    assert renewed["alice"] != first["alice"]


def test_every_secret_is_there_in_its_form(made: Path) -> None:
    content = stored(made)

    assert len(base64.b64decode(content["encryption_at_rest_key"], validate=True)) == 32
    assert len(bytes.fromhex(content["kubeadm_certificate_key"])) == 32
    assert len(content["registry_http_secret"]) >= 32
    assert len(content["registry_push_password"]) >= 32
    assert content["certificates"]["bundle-server"]["certificate"].startswith("-----BEGIN CERTIFICATE-----")


def test_two_sites_share_no_secret(made: Path, tmp_path: Path) -> None:
    one = stored(made)
    other = prepare_secrets(tmp_path / "other", "example", write=False).secrets.model_dump()

    made_when_wanted = {
        "certificates",
        "harbor_registry_secrets",
        "harbor_robot_secrets",
        "monitoring_passwords",
        "registry_passwords",
    }
    for name in one.keys() - made_when_wanted:
        assert one[name] != other[name]


def test_a_second_run_changes_no_byte(made: Path) -> None:
    before = (made / SECRETS_FILE).read_bytes()

    assert not prepare_secrets(made, "example", [SERVER]).changed
    assert (made / SECRETS_FILE).read_bytes() == before


def test_a_further_certificate_leaves_all_else_as_it_was(fresh: Path) -> None:
    before = stored(fresh)

    assert prepare_secrets(fresh, "example", [SERVER, ServerName("portal", ["portal.example.internal"])]).changed

    after = stored(fresh)
    assert after["certificates"].pop("portal")
    assert after == before


def test_a_secret_of_a_later_version_is_added_and_an_unknown_one_kept(fresh: Path) -> None:
    older = stored(fresh)
    del older["registry_http_secret"]
    older["from_a_later_version"] = "kept"
    (fresh / SECRETS_FILE).write_bytes(vault("encrypt", fresh, yaml.safe_dump(older).encode()))

    assert prepare_secrets(fresh, "example").changed

    after = stored(fresh)
    assert after.pop("registry_http_secret")
    assert after == older


def test_a_robot_gets_a_secret_once_and_one_that_harbor_takes(fresh: Path) -> None:
    robots = ["vision/ci", "speech/ci"]

    made = prepare_secrets(fresh, "example", harbor_robots=robots)
    again = prepare_secrets(fresh, "example", harbor_robots=robots)

    kept = stored(fresh)["harbor_robot_secrets"]
    assert made.changed
    assert not again.changed
    assert kept == again.secrets.harbor_robot_secrets == made.secrets.harbor_robot_secrets
    assert kept["vision/ci"] != kept["speech/ci"]
    for secret in (*kept.values(), stored(fresh)["harbor_admin_password"]):
        assert 8 <= len(secret) <= 128
        assert all(any(test(character) for character in secret) for test in (str.islower, str.isupper, str.isdigit))


def test_a_given_secret_is_kept_in_place_of_an_older_one_and_nothing_else_changes(fresh: Path) -> None:
    before = stored(fresh)

    keep_registry_secret(fresh, "example", "hub", "first")
    keep_registry_secret(fresh, "example", "hub", "second")

    after = stored(fresh)
    assert after.pop("harbor_registry_secrets") == {"hub": "second"}
    assert after == {name: value for name, value in before.items() if name != "harbor_registry_secrets"}


def test_open_modes_are_closed_again(fresh: Path) -> None:
    fresh.chmod(0o755)
    (fresh / SECRETS_FILE).chmod(0o644)
    (fresh / PASSWORD_FILE).chmod(0o644)

    prepare_secrets(fresh, "example")

    assert modes(fresh) == [0o700, 0o600, 0o600]


def test_a_dry_run_writes_nothing_and_has_secrets_all_the_same(tmp_path: Path) -> None:
    prepared = prepare_secrets(tmp_path / "state", "example", [SERVER], write=False)

    assert prepared.changed
    assert prepared.secrets.certificates["bundle-server"].key
    assert not (tmp_path / "state").exists()


def test_a_password_of_the_sites_own_is_used(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / PASSWORD_FILE).write_text("chosen by the site\n")

    prepare_secrets(folder, "example")

    assert (folder / PASSWORD_FILE).read_text() == "chosen by the site\n"
    assert stored(folder)["registry_push_password"]


def damaged_file(folder: Path) -> None:
    content = (folder / SECRETS_FILE).read_bytes()
    (folder / SECRETS_FILE).write_bytes(content[:200] + b"00" + content[202:])


def other_password(folder: Path) -> None:
    (folder / PASSWORD_FILE).write_text("another\n")


def no_password(folder: Path) -> None:
    (folder / PASSWORD_FILE).unlink()


def empty_password(folder: Path) -> None:
    (folder / PASSWORD_FILE).write_text("")


def empty_file(folder: Path) -> None:
    (folder / SECRETS_FILE).write_bytes(b"")


def plain_list(folder: Path) -> None:
    (folder / SECRETS_FILE).write_bytes(vault("encrypt", folder, b"- canary-8f2c\n"))


def wrong_shape(folder: Path) -> None:
    (folder / SECRETS_FILE).write_bytes(vault("encrypt", folder, b"site_ca: canary-8f2c\n"))


@pytest.mark.parametrize(
    "harm", [damaged_file, other_password, no_password, empty_password, empty_file, plain_list, wrong_shape]
)
def test_secrets_that_cannot_be_read_are_an_error_and_never_replaced(fresh: Path, harm: Any) -> None:
    harm(fresh)
    before = {path.name: path.read_bytes() for path in fresh.iterdir()}

    with pytest.raises(AmalgamError, match="restore both files") as refused:
        prepare_secrets(fresh, "example", [SERVER])

    assert {path.name: path.read_bytes() for path in fresh.iterdir()} == before
    assert "canary-8f2c" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_failed_write_leaves_the_old_file(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (fresh / SECRETS_FILE).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secrets.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        prepare_secrets(fresh, "example", [ServerName("portal", ["portal.example.internal"])])

    assert (fresh / SECRETS_FILE).read_bytes() == before
    assert sorted(path.name for path in fresh.iterdir()) == [SECRETS_FILE, PASSWORD_FILE]


def test_two_first_runs_at_once_agree_on_the_secrets(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from amalgam.secrets import prepare_secrets;"
        "print(prepare_secrets(Path(sys.argv[1]), 'example').secrets.registry_push_password)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "state")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    first, second = (run.communicate()[0] for run in runs)

    assert first == second != ""


def test_no_secret_is_in_the_arguments_or_the_environment_of_a_program(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = subprocess.run

    def recording(command: list[str], **options: Any) -> Any:
        seen.append(repr(command) + repr(options.get("env")))
        return real(command, **options)

    monkeypatch.setattr(subprocess, "run", recording)
    prepare_secrets(fresh, "example", [ServerName("portal", ["portal.example.internal"])])
    monkeypatch.undo()

    password = (fresh / PASSWORD_FILE).read_text().strip()
    assert len(seen) == 2
    for secret in (password, *(value for value in stored(fresh).values() if isinstance(value, str))):
        assert secret not in "".join(seen)


def test_the_users_own_vault_settings_do_not_interfere(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "/nonexistent")
    monkeypatch.setenv("ANSIBLE_VAULT_ENCRYPT_IDENTITY", "somebody")

    assert not prepare_secrets(fresh, "example", [SERVER]).changed


def test_printed_secrets_show_nothing(tmp_path: Path) -> None:
    prepared = prepare_secrets(tmp_path / "state", "example", write=False)

    assert prepared.secrets.registry_push_password not in f"{prepared} {prepared.secrets} {prepared.secrets!r}"
