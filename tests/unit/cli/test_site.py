"""The commands ``amalgam site``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amalgam.cli import app
from amalgam.pins import load_lock
from tests.fixtures.sites import invalid_site, valid_site


def amalgam(*arguments: str) -> tuple[int, str]:
    """Exit code and output of a command line."""
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_good_site_is_said_to_be_good(tmp_path: Path) -> None:
    folder = valid_site("single-node", tmp_path / "site")

    assert amalgam("site", "check", "-i", str(folder)) == (0, f"{folder}: no faults\n")


def test_a_fault_is_shown_with_place_key_rule_reason_and_remedy(tmp_path: Path) -> None:
    folder = invalid_site("cidr-overlap--pods-nodes", tmp_path / "site")

    code, output = amalgam("site", "check", "-i", str(folder))

    assert code == 1
    assert output.splitlines()[:2] == [
        f"{folder}/group_vars/all/network.yml:2: cidr-overlap",
        "  network_pod_cidr: 192.0.0.0/16 and network_node_cidr 192.0.2.0/24 share addresses",
    ]
    assert output.splitlines()[2].startswith("  remedy: ")


def test_a_fault_in_brackets_is_shown_as_it_is(tmp_path: Path) -> None:
    code, output = amalgam("site", "check", "-i", str(invalid_site("bad-host-name--range", tmp_path / "site")))

    assert code == 1
    assert "gpu[2:4]" in output


def test_machines_get_every_field_of_a_fault(tmp_path: Path) -> None:
    folder = invalid_site("not-a-cidr", tmp_path / "site")

    code, output = amalgam("site", "check", "-i", str(folder), "--json")

    (fault,) = json.loads(output)["faults"]
    assert code == 1
    assert (fault["rule"], fault["key"], fault["line"]) == ("not-a-cidr", "network_pod_cidr", 2)
    assert fault["file"] == str(folder / "group_vars" / "all" / "network.yml")
    assert fault.keys() == {"file", "line", "key", "rule", "reason", "remedy"}


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert amalgam("site", "check", "-i", str(tmp_path / "none"))[0] == 2


def test_a_site_is_shown_with_hosts_settings_and_versions(tmp_path: Path) -> None:
    folder = valid_site("heterogeneous", tmp_path / "site")

    code, output = amalgam("site", "show", "-i", str(folder), "--json")

    shown = json.loads(output)
    assert code == 0
    assert {"name": "npu1", "roles": "worker", "address": "192.0.2.41", "architecture": "arm64"}.items() <= shown[
        "hosts"
    ][3].items()
    assert shown["settings"]["site_ntp_servers"] == ["192.0.2.2"]
    assert shown["versions"]["kubernetes"] == load_lock().version("kubernetes")


@pytest.mark.parametrize("word", ["npu1", "arm64", "ascend", "192.0.2.41", "mixed", "kubernetes"])
def test_the_table_of_a_site_has_what_people_look_for(word: str, tmp_path: Path) -> None:
    assert word in amalgam("site", "show", "-i", str(valid_site("heterogeneous", tmp_path / "site")))[1]


def test_secrets_are_made_once(tmp_path: Path) -> None:
    folder = valid_site("single-node", tmp_path / "site")

    first, second = (amalgam("site", "secrets", "-i", str(folder)) for _ in range(2))

    assert first == (0, f"{folder}/.state: secrets made\n")
    assert second == (0, f"{folder}/.state: secrets are there, nothing to do\n")
    assert amalgam("site", "check", "-i", str(folder))[0] == 0
