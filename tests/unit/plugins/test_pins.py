"""The vars plugin ``pins``, asked by Ansible's own inventory code."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from amalgam.pins import load_lock
from tests.fixtures.sites import valid_site


@pytest.fixture
def inventory(tmp_path: Path) -> InventoryManager:
    return InventoryManager(DataLoader(), sources=[str(valid_site("single-node", tmp_path / "site"))])


def test_the_group_all_has_the_locks_versions_and_images(plugin, inventory):
    module = plugin("vars", "pins")
    pins = module.VarsModule().get_vars(None, "", [inventory.groups["all"]])["pins"]
    image = load_lock().image("pause")

    assert pins["versions"] == load_lock().versions()
    assert pins["images"]["pause"] == {"repository": image.repository, "tag": image.tag}


def test_hosts_and_other_groups_add_nothing(plugin, inventory):
    module = plugin("vars", "pins")

    assert module.VarsModule().get_vars(None, "", [inventory.groups["workers"]]) == {}
    assert module.VarsModule().get_vars(None, "", inventory.get_host("node1")) == {}


def test_the_lock_is_read_once_in_a_process(plugin, inventory, monkeypatch):
    module = plugin("vars", "pins")
    module.VarsModule().get_vars(None, "", inventory.groups["all"])
    monkeypatch.setattr(module, "load_lock", None)

    assert module.VarsModule().get_vars(None, "", inventory.groups["all"])["pins"]
