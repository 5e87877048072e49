"""A simulated Harbor, and a site that says something of each kind to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amalgam.harbor.client import HarborClient
from amalgam.harbor.reconcile import Change, Reconciler, lines, with_platform
from amalgam.harbor.resource import HarborSecrets
from amalgam.models import load_site
from amalgam.models.harbor import HarborData
from tests.fixtures.harbor.simulated_harbor import SimulatedHarbor, simulated_harbor
from tests.fixtures.sites import valid_site

PASSWORD = "Admin-0password"
SECRETS = HarborSecrets(robots={"vision/ci": "Robot-0secret"}, registries={"hub": "hub-secret"}, key=PASSWORD)


class Run:
    """Compares and applies, by a new connection each time."""

    def __init__(self, harbor: SimulatedHarbor) -> None:
        self.harbor = harbor
        self.password = PASSWORD
        self.authority = harbor.authority.certificate
        self.secrets = SECRETS

    def _with(self, data: HarborData) -> tuple[HarborClient, Reconciler]:
        client = HarborClient(self.harbor.address, self.authority, self.password)
        return client, Reconciler(client, with_platform(data), self.secrets)

    def drift(self, data: HarborData) -> list[str]:
        """The differences, in lines."""
        client, reconciler = self._with(data)
        with client:
            return lines(reconciler.plan())

    def apply(self, data: HarborData) -> list[str]:
        """What was done, by label."""
        client, reconciler = self._with(data)
        done: list[Change] = []
        with client:
            reconciler.apply(reconciler.plan(), done.append)
        return [f"{change.action} {change.label}" for change in done]


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[SimulatedHarbor]:
    """An empty one, as after its installation. A test that breaks the contract has failed."""
    with simulated_harbor(tmp_path, PASSWORD) as running:
        yield running
    assert running.broken == []


@pytest.fixture
def run(harbor: SimulatedHarbor) -> Run:
    """Runs against it."""
    return Run(harbor)


@pytest.fixture
def data(tmp_path: Path) -> HarborData:
    """What the valid site ``harbor`` says."""
    said = load_site(valid_site("harbor", tmp_path / "site"), roles=tmp_path / "roles").harbor
    assert said
    return said


@pytest.fixture
def changed(data: HarborData) -> Callable[..., HarborData]:
    """The same with other parts: ``changed(robots=[])``."""
    return lambda **parts: data.model_copy(update=parts)
