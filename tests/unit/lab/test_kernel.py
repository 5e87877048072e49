from __future__ import annotations

from pathlib import Path

from amalgam.lab.kernel import ENOUGH, allow_inotify_instances


def test_a_low_limit_is_raised_once(tmp_path: Path) -> None:
    setting = tmp_path / "max_user_instances"
    setting.write_text("128\n")
    assert allow_inotify_instances(setting)
    assert int(setting.read_text()) == ENOUGH
    assert not allow_inotify_instances(setting)


def test_a_higher_limit_is_left_alone(tmp_path: Path) -> None:
    setting = tmp_path / "max_user_instances"
    setting.write_text(f"{ENOUGH * 2}\n")
    assert not allow_inotify_instances(setting)
    assert int(setting.read_text()) == ENOUGH * 2
