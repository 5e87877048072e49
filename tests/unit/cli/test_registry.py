"""The commands ``amalgam registry``, against a simulated Harbor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from amalgam import pki
from amalgam.cli import app
from amalgam.errors import AmalgamError
from amalgam.secrets import prepare_secrets
from tests.fixtures.harbor.simulated_harbor import SimulatedHarbor, simulated_harbor
from tests.fixtures.sites import valid_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with Harbor, whose hub has no account, so that nothing has to be given first."""
    folder = valid_site("harbor", tmp_path / "site")
    said = folder / "group_vars" / "all" / "harbor.yml"
    data = yaml.safe_load(said.read_text())
    del data["harbor_registries"][0]["access_key"]
    said.write_text(yaml.safe_dump(data))
    return folder


@pytest.fixture
def harbor(site: Path, tmp_path: Path) -> Iterator[SimulatedHarbor]:
    """Its Harbor: with the site's password, and a certificate of the site's authority."""
    secrets = prepare_secrets(site / ".state", "harbor").secrets
    with simulated_harbor(tmp_path, secrets.harbor_admin_password, secrets.site_ca) as running:
        yield running
    assert running.broken == []


def amalgam(*arguments: str, stdin: str | None = None) -> Result:
    """What a command line does."""
    return CliRunner().invoke(app, ["registry", *arguments], input=stdin)


def test_drift_ends_with_2_and_apply_makes_it_end_with_0(site: Path, harbor: SimulatedHarbor) -> None:
    at = ("-i", str(site), "--address", harbor.address)

    before, made, after = amalgam("drift", *at), amalgam("apply", *at), amalgam("drift", *at)

    assert (before.exit_code, made.exit_code, after.exit_code) == (2, 0, 0), made.output
    assert "project vision: not there" in before.output
    assert "delete  project library" in made.output
    assert after.output == ""


def test_machines_get_each_field_of_a_drift(site: Path, harbor: SimulatedHarbor) -> None:
    at = ("-i", str(site), "--address", harbor.address)
    amalgam("apply", *at)
    harbor.project("vision")["metadata"]["public"] = "true"

    found = amalgam("drift", *at, "--json")

    assert found.exit_code == 2
    field = {"name": "public", "found": True, "declared": False}
    change = {"action": "update", "object": "project vision", "fields": [field]}
    assert json.loads(found.output) == {"backend": "harbor", "drift": [change]}


def test_the_secrets_given_to_robots_are_the_ones_that_the_site_keeps(site: Path, harbor: SimulatedHarbor) -> None:
    made = amalgam("apply", "-i", str(site), "--address", harbor.address)

    kept = prepare_secrets(site / ".state", "harbor").secrets.harbor_robot_secrets
    assert list(harbor.robot_secrets.values()) == list(kept.values()) != []
    assert kept["vision/ci"] not in made.output


def test_a_look_makes_no_secrets(site: Path, harbor: SimulatedHarbor) -> None:
    before = (site / ".state" / "secrets.yml").read_bytes()

    amalgam("drift", "-i", str(site), "--address", harbor.address)

    assert (site / ".state" / "secrets.yml").read_bytes() == before


def test_the_embedded_registry_is_compared_by_the_playbook(tmp_path: Path) -> None:
    site = str(valid_site("single-node", tmp_path / "other"))

    assert amalgam("drift", "-i", site).exit_code == 0
    assert "ansible-playbook --check" in amalgam("drift", "-i", site).output
    assert json.loads(amalgam("drift", "-i", site, "--json").output) == {"backend": "distribution", "drift": []}
    assert isinstance(amalgam("apply", "-i", site).exception, AmalgamError)


def test_a_credential_is_read_from_a_pipe_and_kept_in_the_vault(tmp_path: Path) -> None:
    site = valid_site("harbor", tmp_path / "site")

    kept = amalgam("credential", "hub", "-i", str(site), stdin="hub-secret\n")

    assert kept.exit_code == 0, kept.output
    assert prepare_secrets(site / ".state", "harbor").secrets.harbor_registry_secrets == {"hub": "hub-secret"}
    assert "hub-secret" not in kept.output
    assert b"hub-secret" not in (site / ".state" / "secrets.yml").read_bytes()


@pytest.mark.parametrize(("name", "stdin"), [("open", "x"), ("nobody", "x"), ("hub", "\n")])
def test_a_credential_for_nobody_or_of_nothing_is_refused(tmp_path: Path, name: str, stdin: str) -> None:
    site = valid_site("harbor", tmp_path / "site")

    assert isinstance(amalgam("credential", name, "-i", str(site), stdin=stdin).exception, AmalgamError)
    assert not (site / ".state").exists()


def test_the_authority_of_another_site_is_not_trusted(site: Path, tmp_path: Path) -> None:
    prepare_secrets(site / ".state", "harbor")
    with simulated_harbor(tmp_path, "any", pki.make_authority("other")) as other:
        refused = amalgam("drift", "-i", str(site), "--address", other.address)

    assert isinstance(refused.exception, AmalgamError)
    assert "its certificate is not trusted" in str(refused.exception)
