"""Units that are to run and to start at boot: what is amiss is enabled, or its restart called for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from amalgam.on_host import template_tree, units
from amalgam.on_host.program import Request, answer

RUNNING = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"}
WAITING = {"ActiveState": "inactive", "ConditionResult": "no", "ConditionTimestampMonotonic": "7"}

Systemctl = Callable[..., None]


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    """Sets what `systemctl show` says of each unit; other calls are noted in ``calls``."""
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(f"""#!/bin/sh
[ "$1" = show ] || {{ echo "$*" >>{tmp_path}/calls; exit 0; }}
shift 3
for unit; do cat "{tmp_path}/$unit.unit"; echo; done
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")

    def says(**units: dict[str, str]) -> None:
        for name, properties in units.items():
            lines = "".join(f"{key}={value}\n" for key, value in properties.items())
            (tmp_path / f"{name}.unit").write_text(lines)

    return says


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., dict]:
    """Run template_tree's program with an empty tree and units."""
    empty = {"dir_mode": "0755", "owner": "root:root", "folders": [], "files": [], "links": [], "handlers": []}

    def run(*names: str, check: bool = False) -> dict:
        wanted = {unit: f"Restart {unit}" for unit in names}
        params = {"dest": str(tmp_path), "units": wanted, "tree": empty}
        return json.loads(answer(template_tree.run, Request(params, check_mode=check, diff=False)))

    return run


def calls(tmp_path: Path) -> list[str]:
    file = tmp_path / "calls"
    return file.read_text().splitlines() if file.exists() else []


def test_units_that_run_now_and_at_boot_are_left_alone(systemctl, tree, tmp_path):
    systemctl(one=RUNNING, two=RUNNING | {"UnitFileState": "static", "ActiveState": "reloading"})
    result = tree("one", "two")
    assert (result["changed"], result["notify"]) == (False, [])
    assert calls(tmp_path) == []


def test_a_disabled_unit_is_enabled(systemctl, tree, tmp_path):
    systemctl(one=RUNNING, two=RUNNING | {"UnitFileState": "disabled"})
    assert tree("one", "two", check=True)["changed"]
    assert calls(tmp_path) == []
    result = tree("one", "two")
    assert (result["changed"], result["notify"]) == (True, [])
    assert calls(tmp_path) == ["enable -- two"]


@pytest.mark.parametrize("state", ["inactive", "failed", "deactivating"])
def test_of_a_stopped_unit_the_restart_is_called_for(systemctl, tree, state):
    systemctl(one=RUNNING | {"ActiveState": state, "ConditionResult": "yes", "ConditionTimestampMonotonic": "7"})
    result = tree("one", check=True)
    assert (result["changed"], result["notify"]) == (True, ["Restart one"])


def test_a_unit_whose_conditions_do_not_hold_is_as_it_should_be_once_it_was_tried(systemctl, tree):
    systemctl(one=RUNNING | WAITING)
    assert tree("one")["changed"] is False
    systemctl(one=RUNNING | WAITING | {"ConditionTimestampMonotonic": "0"})
    assert tree("one")["notify"] == ["Restart one"]


def test_check_mode_predicts_a_unit_that_is_not_there_yet(systemctl, tree):
    systemctl(one={"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""})
    result = tree("one", check=True)
    assert (result["changed"], result["notify"]) == (True, ["Restart one"])


def test_a_masked_unit_is_an_error_with_its_remedy(systemctl, tree, tmp_path):
    systemctl(one={"LoadState": "masked", "ActiveState": "inactive", "UnitFileState": "masked"})
    assert "systemctl unmask one" in tree("one")["msg"]
    assert calls(tmp_path) == []


def test_a_unit_can_be_started_at_once(systemctl, tmp_path):
    systemctl(one=RUNNING | {"ActiveState": "failed", "UnitFileState": "disabled"})
    units.start(units.units_of(["one"]))
    assert calls(tmp_path) == ["enable -- one", "start -- one"]


@pytest.mark.usefixtures("systemctl")
def test_a_systemd_that_does_not_answer_is_an_error(tree, tmp_path):
    (tmp_path / "bin/systemctl").write_text("#!/bin/sh\necho Failed to connect to bus >&2; exit 1\n")
    assert "Failed to connect to bus" in tree("one")["msg"]
