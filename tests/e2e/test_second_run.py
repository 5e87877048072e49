"""A run on a site that is installed changes nothing and says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.playbook import PlaybookRun

pytestmark = pytest.mark.timeout(600)


def test_a_second_make_lab_finds_everything_done_and_says_so(lab: Lab) -> None:
    made = run_local(["make", "lab", f"INVENTORY={lab.inventory}"], env={"ANSIBLE_NOCOLOR": "1"}, seconds=500)
    _assert_unchanged(lab, PlaybookRun(made.rc, made.stdout, 0))
    assert "Everything was in place: nothing had to be done" in made.stdout


def test_a_run_on_an_installed_site_would_change_nothing(lab: Lab, playbook: Callable[..., PlaybookRun]) -> None:
    _assert_unchanged(lab, playbook("--check", "--diff"))


def _assert_unchanged(lab: Lab, run: PlaybookRun) -> None:
    assert run.rc == 0, run.end
    hosts = {host.name for host in lab.site.hosts}
    assert hosts <= set(run.recap), f"hosts are missing from the recap: {run.end}"
    for key in ("changed", "failed", "unreachable", "rescued", "ignored"):
        assert run.counts(key) == dict.fromkeys(run.recap, 0), f"{key}:\n{_blamed(run)}"


def _blamed(run: PlaybookRun) -> str:
    """The tasks that changed or failed, with what they said."""
    parts = run.output.split("\nTASK [")
    blamed = [part for part in parts if "\nchanged: " in part or "\nfatal: " in part or "\n...ignoring" in part]
    return "\n".join(f"TASK [{part[:1500]}" for part in blamed) or run.end
