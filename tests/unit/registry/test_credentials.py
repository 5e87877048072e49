from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from amalgam.cli import app
from amalgam.errors import AmalgamError
from amalgam.models import load_site
from amalgam.registry.credentials import Credentials, of_administrator, of_robot, of_user, of_vcs
from amalgam.secrets import prepare_secrets
from tests.fixtures.sites import valid_site

ALICE = Credentials(registry="registry.example:5000", user="alice", password="secret-canary", ca_certificate="PEM")


def test_what_is_saved_is_loaded_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "registry.json"
    ALICE.save(file)
    assert Credentials.load(file) == ALICE
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    ALICE.save(tmp_path / "file")
    (tmp_path / "file").chmod(0o640)
    with pytest.raises(AmalgamError, match="others can read"):
        Credentials.load(tmp_path / "file")


def test_another_file_is_refused_without_repeating_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o600)
    (tmp_path / "file").write_text('{"password": "secret-canary"}')
    with pytest.raises(AmalgamError, match="holds no credentials") as refusal:
        Credentials.load(tmp_path / "file")
    assert "secret-canary" not in f"{refusal.value}{refusal.value.__cause__}"


def test_without_a_file_one_is_told_whom_to_ask(tmp_path: Path) -> None:
    with pytest.raises(AmalgamError) as refusal:
        Credentials.load(tmp_path / "absent")
    assert "amalgam image credentials" in refusal.value.remedy


def test_tools_of_the_field_find_their_login() -> None:
    auth = json.loads(ALICE.auth_file())["auths"]["registry.example:5000"]["auth"]
    assert base64.b64decode(auth) == b"alice:secret-canary"


def test_the_password_is_in_no_printout() -> None:
    assert "secret-canary" not in f"{ALICE!r}{ALICE}"


def test_a_person_s_file_is_found_by_variable_or_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/alice/settings")
    monkeypatch.delenv(Credentials.variable, raising=False)
    assert Credentials.default_file() == Path("/home/alice/settings/amalgam/registry.json")
    monkeypatch.setenv(Credentials.variable, "/other/place")
    assert Credentials.default_file() == Path("/other/place")


def test_each_vc_with_projects_has_an_account_that_pulls(tmp_path: Path) -> None:
    folder = valid_site("three-masters", tmp_path / "site")
    (folder / "group_vars/all/registry.yml").write_text("registry_projects: [{name: pictures}]\n")
    vcs = [{"name": "vision", "quota": {}, "registry_projects": ["pictures"]}, {"name": "nlp", "quota": {}}]
    organisations = [{"name": "institute", "quota": {}, "vcs": vcs}]
    tenants = yaml.safe_dump({"tenants_organisations": organisations})
    (folder / "group_vars/all/tenants.yml").write_text(tenants)
    site = load_site(folder)
    assert site.registry_users == ("vc-vision",)
    # A preview makes nothing; what is made is kept.
    assert of_vcs(site, write=False).keys() == {"vision"}
    assert not (site.state_dir / "secrets.yml").exists()
    first = of_vcs(site, write=True)["vision"]
    assert (first.user, len(first.password) >= 32) == ("vc-vision", True)
    assert of_vcs(site, write=False)["vision"] == first


def test_with_harbor_vcs_have_no_accounts(tmp_path: Path) -> None:
    assert of_vcs(load_site(valid_site("harbor", tmp_path / "site")), write=True) == {}


def test_with_harbor_the_administrator_is_harbor_s_and_users_are_sent_there(tmp_path: Path) -> None:
    site = load_site(valid_site("harbor", tmp_path / "site"))
    administrator = of_administrator(site)
    assert administrator.user == "admin"
    assert len(administrator.password) >= 32
    with pytest.raises(AmalgamError, match="Harbor keeps"):
        of_user(site, site.registry_users[0])


def test_a_robot_account_of_harbor_has_the_secret_that_a_run_gives_to_harbor(tmp_path: Path) -> None:
    site = load_site(valid_site("harbor", tmp_path / "site"))

    robot = of_robot(site, "vision/ci")

    secrets = prepare_secrets(site.state_dir, "harbor", harbor_robots=site.harbor_robots, write=False).secrets
    assert (robot.user, robot.password) == ("robot$vision+ci", secrets.harbor_robot_secrets["vision/ci"])
    assert robot.backend == of_administrator(site).backend == "harbor"
    with pytest.raises(AmalgamError, match="'vision/absent' is no robot account"):
        of_robot(site, "vision/absent")


def test_a_robots_file_is_written_for_one_person_and_tools_of_the_field_alike(tmp_path: Path) -> None:
    folder = valid_site("harbor", tmp_path / "site")
    command = ["image", "credentials", "-i", str(folder), "--robot", "vision/ci", "--output", str(tmp_path / "ci")]

    written = CliRunner().invoke(app, command)

    assert written.exit_code == 0, written.output
    assert Credentials.load(tmp_path / "ci").user == "robot$vision+ci"
    for wrong in (["--user", "alice"], ["--renew"]):
        assert CliRunner().invoke(app, [*command, *wrong]).exit_code == 2
