"""Every scenario runs the real site.yml on the one lab, and the layer it names is the one that holds its role.

Seen in techno-tim/k3s-ansible, done well: scenarios without playbooks of their own. Seen elsewhere: a converge.yml
that grew into a second, kinder site.yml, and a tag that no longer exists, so that the scenario ran nothing and
passed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.contract.repository import Role, files, files_below, roles_of_plays, text, yaml_data

SITE = Path("playbooks/site.yml")
SCENARIO_LINES = 12


def _layers() -> dict[str, Path]:
    """Tag -> playbook of a layer, as site.yml imports them."""
    imports = {str(entry["tags"]): entry["ansible.builtin.import_playbook"] for entry in yaml_data(SITE)}
    return {tag: SITE.parent / playbook for tag, playbook in imports.items()}


def _scenario(name: str) -> dict[str, Any]:
    return yaml_data(Path("molecule") / name / "molecule.yml") or {}


def test_layers_are_run_alone_by_the_name_of_their_file() -> None:
    assert {tag: playbook.stem for tag, playbook in _layers().items() if tag != "always"} == {
        playbook.stem: playbook.stem
        for playbook in files_below("playbooks/layers")
        if playbook.parent.name == "layers" and playbook.stem != "prepare"
    }
    assert _layers()["always"].stem == "prepare"


def test_a_scenario_runs_the_layer_of_its_role(role: Role) -> None:
    layer = _scenario(role.name)["ansible"]["env"]["ANSIBLE_RUN_TAGS"]
    assert role.name in [entry["name"] for entry in roles_of_plays(_layers()[layer])]


def test_a_site_s_variables_are_checked_once_and_not_by_each_host_for_each_role() -> None:
    """`prepare` checks every variable by the same specifications; each check would be a task of every host."""
    entries = [entry for layer in _layers().values() for entry in roles_of_plays(layer) if "tasks_from" not in entry]
    assert len(entries) > 30
    assert [entry["name"] for entry in entries if entry.get("rolespec_validate") is not False] == []
    plays = [play for layer in _layers().values() for play in yaml_data(layer)]
    assert [play["name"] for play in plays if "roles" in play] == []


def test_a_scenario_is_for_a_role_or_for_the_whole() -> None:
    scenarios = {file.parts[1] for file in files_below("molecule")}
    roles = {file.parts[1] for file in files_below("roles")}
    assert scenarios - roles == {"default", "cluster"}


def test_the_whole_is_run_without_a_choice_of_layers() -> None:
    assert "ansible" not in _scenario("cluster")


def test_scenarios_have_no_playbooks_and_no_nodes_of_their_own() -> None:
    extra = [str(file) for file in files_below("molecule") if file.name != "molecule.yml"]
    assert extra == ["molecule/default/destroy.yml"]
    assert [str(file) for file in files_below("molecule") if "platforms" in text(file)] == []
    long = [str(file) for file in files_below("molecule") if len(text(file).splitlines()) > SCENARIO_LINES]
    assert long == []


def test_what_scenarios_share_is_written_once() -> None:
    shared = yaml_data(Path(".config/molecule/config.yml"))
    assert shared["ansible"]["playbooks"]["converge"] == f"../../{SITE}"
    assert Path(".config/molecule/config.yml") in files()
