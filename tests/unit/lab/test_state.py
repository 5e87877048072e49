from __future__ import annotations

import stat
from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab.names import Names
from amalgam.lab.state import LabState, load, locked, require, save, write_atomically


def test_a_saved_state_is_read_back_whole(names: Names, state: LabState) -> None:
    save(names, state)
    assert load(names) == state


def test_no_file_is_no_lab(names: Names) -> None:
    assert load(names) is None
    with pytest.raises(AmalgamError, match="there is no lab"):
        require(names)


@pytest.mark.parametrize("text", ["", "{", '{"lab": "x"}', '{"unknown": 1}'])
def test_a_broken_state_is_refused_with_the_way_out(names: Names, text: str) -> None:
    write_atomically(names.state_file, text)
    with pytest.raises(AmalgamError) as caught:
        load(names)
    assert str(names.state_file) in str(caught.value)
    assert "lab down" in caught.value.remedy


def test_an_unknown_node_is_refused_with_the_names_there_are(state: LabState) -> None:
    with pytest.raises(AmalgamError) as caught:
        state.node("gpu9")
    assert "gpu1" in caught.value.remedy


def test_a_file_is_replaced_with_its_mode_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "key"
    target.write_text("old")
    write_atomically(target, "new", 0o600)
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_interrupted_earlier_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".state.json.new").write_text("half")
    write_atomically(tmp_path / "state.json", "whole")
    assert (tmp_path / "state.json").read_text() == "whole"


def test_two_commands_on_one_lab_are_kept_apart_and_the_lock_leaves_no_file(names: Names) -> None:
    with locked(names), pytest.raises(AmalgamError, match="another command"), locked(names):
        pass
    with locked(names):
        assert list(names.root.iterdir()) == []
