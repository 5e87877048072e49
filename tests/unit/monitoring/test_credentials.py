from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.models import load_site
from amalgam.monitoring.credentials import Credentials, of_administrator, of_user
from tests.fixtures.sites import valid_site

ALICE = Credentials(url="https://monitoring.example:8445", user="alice", password="secret-canary", ca_certificate="PEM")


def test_what_is_saved_is_loaded_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    ALICE.save(tmp_path / "monitoring.json")
    assert Credentials.load(tmp_path / "monitoring.json") == ALICE
    assert (tmp_path / "monitoring.json").stat().st_mode & 0o777 == 0o600


def test_the_password_is_in_no_printout() -> None:
    assert "secret-canary" not in f"{ALICE!r}{ALICE}"


def test_without_a_file_one_is_told_whom_to_ask(tmp_path: Path) -> None:
    with pytest.raises(AmalgamError) as refusal:
        Credentials.load(tmp_path / "absent")
    assert "amalgam monitoring credentials" in refusal.value.remedy


def test_a_site_without_a_management_host_has_none(tmp_path: Path) -> None:
    site = load_site(valid_site("harbor", tmp_path / "site"))
    assert site.monitoring_users == ()
    with pytest.raises(AmalgamError, match="no monitoring"):
        of_administrator(site)
    with pytest.raises(AmalgamError, match="no monitoring"):
        of_user(site, "alice")
