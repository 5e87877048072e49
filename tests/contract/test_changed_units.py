"""A unit of systemd whose file changed is loaded anew: a handler is named for each file of a unit that a role writes.

Seen here: the registry ran on with the settings of the unit that it was first installed with.
"""

from __future__ import annotations

from amalgam.path_globs import matches
from tests.contract.repository import ROOT, Task, all_tasks


def _source(task: Task) -> str:
    return str(task.arguments.get("src", "templates"))


def test_each_unit_that_a_role_writes_has_a_handler() -> None:
    trees = [task for task in all_tasks() if task.module == "template_tree" and task.file.parts[0] == "roles"]
    assert trees
    unheard = []
    for folder in {ROOT / task.file.parents[1] / _source(task) for task in trees}:
        ours = [task for task in trees if ROOT / task.file.parents[1] / _source(task) == folder]
        globs = [glob for task in ours for glob in task.arguments.get("handlers", {})]
        for file in folder.rglob("etc/systemd/system/**/*.*"):
            unit = file.relative_to(folder).as_posix().removesuffix(".j2")
            if file.is_file() and not any(matches(glob, unit) for glob in globs):
                unheard.append(str(file))
    assert unheard == []
