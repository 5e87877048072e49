"""The table at the end of a run, of hosts as Ansible knows them."""

from __future__ import annotations

import pytest
import yaml

from tests.unit.plugins.conftest import ROOT

GROUPS = {"all": ["master1", "gpu1", "cpu1", "cpu2"], "control_plane": ["master1"], "workers": ["gpu1", "cpu1", "cpu2"]}
PCI = "kernel 6.1\npci 0000:07:00.0 0x030200 0x10de 0x2330\npci 0000:c1:00.0 0x120000 0x19e5 0xd801\n"


@pytest.fixture
def states(plugin):
    """Host -> its state in the table."""

    def run(hostvars: dict[str, dict], done: list[str]) -> dict[str, str]:
        heading, *rows = plugin("filter", "site_table").site_table(hostvars, GROUPS, done, ["gpu1 v1", "cpu1 v1"])
        return {row.split()[0]: row[heading.index("STATE") :] for row in rows}

    return run


def test_chips_that_the_inventory_does_not_name_are_named_and_a_host_that_failed_is_not_called_ready(states) -> None:
    layer = yaml.safe_load((ROOT / "playbooks/layers/accelerators.yml").read_text())
    (said,) = (task["register"] for task in layer[0]["tasks"] if "register" in task)
    # As Ansible keeps it of a task that was run, that was skipped, and of a host that never came there.
    found = {"gpu1": {said: {"skipped": True}}, "cpu1": {said: {"stdout": PCI}}, "cpu2": {said: {"stdout": PCI}}}
    assert states({"master1": {}} | found, ["master1", "gpu1", "cpu1"]) == {
        "master1": "ready",
        "gpu1": "ready",
        "cpu1": "ready; 1 ascend, 1 nvidia not in hosts.yml",
        "cpu2": "not reached or failed: see above",
    }
