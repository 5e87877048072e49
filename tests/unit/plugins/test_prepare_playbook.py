"""The registry that a host runs already, as prepare.yml finds it in a real play on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.unit.plugins.conftest import ROOT, Played

Prepare = Callable[..., Played]


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Harbor's unit, where Harbor is installed."""
    return tmp_path / "harbor.service"


@pytest.fixture
def prepare(unit: Path, tmp_path: Path, play: Callable[..., Played]) -> Prepare:
    """Run the play that looks at the hosts that cannot be left out."""
    inventory = tmp_path / "inventory"
    described = yaml.safe_load((ROOT / "playbooks/layers/prepare.yml").read_text())[1]

    def run(backend: str, *options: str, group: str = "bundle_server") -> Played:
        inventory.write_text(f"[{group}]\nlocalhost\n")
        variables = described["vars"] | {"prepare_harbor": str(unit), "site_registry_backend": backend}
        options = ("-i", str(inventory), *options)
        return play(described["tasks"], *options, vars=variables, gather_facts=False, any_errors_fatal=True)

    return run


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_host_that_runs_harbor_is_not_given_the_embedded_registry(
    unit: Path, prepare: Prepare, options: tuple[str, ...]
) -> None:
    unit.touch()

    done = prepare("distribution", *options)

    said = " ".join(done.output.split())
    assert (done.rc, done.changed) == (2, 0)
    assert "Action failed: localhost runs Harbor at the name and port" in said
    assert f"`systemctl disable --now harbor`, remove {unit}." in said


@pytest.mark.parametrize(
    ("installed", "backend", "group"),
    [
        (False, "distribution", "bundle_server"),
        (True, "harbor", "bundle_server"),
        (False, "harbor", "bundle_server"),
        (True, "distribution", "control_plane"),
    ],
    ids=["the embedded one", "Harbor", "Harbor to come", "no host of the registry"],
)
def test_any_other_host_is_taken(unit: Path, prepare: Prepare, installed: bool, backend: str, group: str) -> None:
    if installed:
        unit.touch()

    done = prepare(backend, group=group)

    assert (done.rc, done.changed) == (0, 0), done.output
