"""Every playbook can be read with every inventory that we ship.

Seen in peers: example inventories that stopped working with the playbooks beside them, since nothing ever put the two
together. A warning counts: a group that an inventory lacks, or a variable that Ansible takes for something else, is
only warned of.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.contract.repository import ROOT, files_below

_NONE = {"group_vars", "tasks"}
PLAYBOOKS = [str(file) for file in files_below("playbooks", suffixes=(".yml",)) if not _NONE & set(file.parts)]
INVENTORIES = sorted({str(Path(*file.parts[:2])) for file in files_below("inventories") if len(file.parts) > 2})


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_playbooks_and_inventory_fit_each_other(inventory: str) -> None:
    command = ["ansible-playbook", "--syntax-check", "--inventory", inventory, *PLAYBOOKS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_all_three_references_are_there() -> None:
    assert {"inventories/lab", "inventories/reference-gpu", "inventories/reference-heterogeneous"} <= set(INVENTORIES)
    assert "playbooks/site.yml" in PLAYBOOKS
