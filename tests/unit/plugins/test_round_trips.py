"""The callback plugin that says where the time of a run goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from amalgam.paths import project_root

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Done by both
      ansible.builtin.debug: {msg: done}
    - name: Done by one
      ansible.builtin.debug: {msg: done}
      when: inventory_hostname == 'one'
    - name: Done by none
      ansible.builtin.debug: {msg: done}
      when: false
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the plugin wrote about a run on two hosts that are this machine; a call was noted in its last second."""
    folder = tmp_path_factory.mktemp("trips")
    (folder / "play.yml").write_text(PLAYBOOK)
    (folder / "calls").write_text("1.5 10.0.0.1\n9999999999.0 10.0.0.2\n9999999999.5 10.0.0.2\n")
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(project_root() / "plugins" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "round_trips",
        "AMALGAM_ROUND_TRIPS": str(folder),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "one,two,", "-c", "local", "play.yml"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "said").write_text(done.stdout)
    return folder


def test_every_task_is_written_with_the_hosts_that_did_it(folder: Path) -> None:
    tasks = json.loads((folder / "tasks.json").read_text())

    assert {task["name"]: task["executions"] for task in tasks} == {
        "Done by both": {"one": 1, "two": 1},
        "Done by one": {"one": 1},
        "Done by none": {},
    }
    assert all(task["seconds"] > 0 for task in tasks)


def test_a_call_belongs_to_the_task_during_which_it_was_made(folder: Path) -> None:
    tasks = json.loads((folder / "tasks.json").read_text())

    # The call before the first task belongs to none, those after the last began to that one.
    assert [task["round_trips"] for task in tasks] == [{}, {}, {"10.0.0.2": 2}]


def test_the_totals_are_printed(folder: Path) -> None:
    said = (folder / "said").read_text()

    assert "2 tasks done, 3 executions, 2 round trips" in said
    assert "10.0.0.2 2" in said
