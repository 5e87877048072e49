"""A stack is for the site that it is named after, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest

from amalgam_stacks import stack
from tests.fixtures.sites import invalid_site, valid_site


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Any:
    def choose(name: str, inventory: Path | None = None) -> None:
        monkeypatch.setattr(pulumi, "get_stack", lambda: name)
        monkeypatch.setattr(pulumi.Config, "get", lambda *_: str(inventory) if inventory else None)

    monkeypatch.setattr(pulumi.Config, "__init__", lambda *_: None)
    return choose


def test_a_stack_has_the_inventory_of_its_name(named: Any) -> None:
    named("lab")
    assert stack.site_of_stack().settings.site_name == "lab"


def test_a_sites_own_inventory_is_taken_from_the_setting(named: Any, tmp_path: Path) -> None:
    named("three-masters", valid_site("three-masters", tmp_path / "site"))
    assert stack.site_of_stack().settings.site_name == "three-masters"


def test_the_inventory_of_another_site_is_refused(named: Any, tmp_path: Path) -> None:
    named("lab", valid_site("three-masters", tmp_path / "site"))
    with pytest.raises(pulumi.RunError, match="it is the inventory of three-masters, and the stack is lab"):
        stack.site_of_stack()


def test_an_unknown_site_is_refused_with_the_remedy(named: Any) -> None:
    named("nowhere")
    with pytest.raises(pulumi.RunError, match="pulumi config set inventory"):
        stack.site_of_stack()


def test_an_over_committed_parent_stops_the_program_with_the_numbers(named: Any, tmp_path: Path) -> None:
    named("three-masters", invalid_site("overcommitted-quota", tmp_path / "site"))
    with pytest.raises(
        pulumi.RunError, match=r"institute grants 12 of cpu \(vision 6, nlp 6\), and has 10: 2 too much"
    ):
        stack.site_of_stack()
