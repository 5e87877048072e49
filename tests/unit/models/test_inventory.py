"""Reading a folder gives what Ansible itself makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

from amalgam.models.inventory import read_inventory
from tests.fixtures.sites import VALID, valid_site


@pytest.mark.parametrize("name", VALID)
def test_hosts_groups_and_variables_are_those_that_ansible_sees(name: str, tmp_path: Path) -> None:
    folder = valid_site(name, tmp_path / "site")
    loader = DataLoader()
    theirs = InventoryManager(loader, sources=[str(folder)])
    variables = VariableManager(loader, theirs)
    ours = read_inventory(folder)

    assert set(ours.hosts) == {host.name for host in theirs.get_hosts()}
    assert {name: sorted(ours.members(name)) for name in ours.groups} == {
        name: sorted(host.name for host in theirs.groups[name].get_hosts()) for name in ours.groups
    }
    for host in theirs.get_hosts():
        seen = variables.get_vars(host=host)
        for key in ("ansible_host", "accelerator", "architecture", "site_name", "network_pod_cidr", "ansible_user"):
            variable = ours.variable(host.name, key)
            assert (variable.value if variable else None) == seen.get(key)


def test_the_deepest_group_wins_as_with_ansible(tmp_path: Path) -> None:
    folder = valid_site("heterogeneous", tmp_path / "site")
    for group, zone in (("all", "one"), ("workers", "two"), ("npu_workers", "three"), ("storage", "four")):
        path = folder / "group_vars" / group
        path.mkdir(exist_ok=True)
        (path / "rack.yml").write_text(f"rack: {zone}\n")
    loader = DataLoader()
    theirs = InventoryManager(loader, sources=[str(folder)])
    variables = VariableManager(loader, theirs)
    ours = read_inventory(folder)

    found = {host: ours.variable(host, "rack") for host in ours.hosts}

    assert {host: variable.value for host, variable in found.items() if variable} == {
        host.name: variables.get_vars(host=host)["rack"] for host in theirs.get_hosts()
    }


@pytest.mark.parametrize("name", ["README.md", ".state", "notes.txt", "hosts.yml~", "group_vars/all/.notes.yml.swp"])
def test_what_ansible_leaves_out_is_left_out(name: str, tmp_path: Path) -> None:
    folder = valid_site("single-node", tmp_path / "site")
    (folder / name).write_text("no: [inventory")

    assert read_inventory(folder).faults == []


def test_an_alias_that_contains_itself_is_refused(tmp_path: Path) -> None:
    folder = valid_site("single-node", tmp_path / "site")
    (folder / "group_vars" / "all" / "loop.yml").write_text("a: &a\n  b: *a\n")

    (fault,) = read_inventory(folder).faults

    assert (fault.rule, fault.line) == ("bad-yaml", 1)


@pytest.mark.parametrize(
    "text", ["a: !python/object:os.system x\n", "a: 2026-13-45\n", "a: 1\n---\nb: 2\n", "a: \x07\n"]
)
def test_yaml_that_is_no_plain_data_is_refused(text: str, tmp_path: Path) -> None:
    folder = valid_site("single-node", tmp_path / "site")
    (folder / "group_vars" / "all" / "odd.yml").write_text(text)

    assert [fault.rule for fault in read_inventory(folder).faults] == ["bad-yaml"]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = valid_site("single-node", tmp_path / "site")
    (folder / "group_vars" / "all" / "odd.yml").write_bytes(b"a: \xff\xfe\n")

    assert [fault.rule for fault in read_inventory(folder).faults] == ["bad-yaml"]
