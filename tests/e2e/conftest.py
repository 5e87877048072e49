"""Fixtures of several modules of tests on running nodes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from amalgam.lab.environment import environment
from tests.e2e.support.datasets import Keys
from tests.e2e.support.nodes import Lab


@pytest.fixture(scope="module")
def reach(lab: Lab) -> Iterator[None]:
    """This machine's programs reach the lab by the site's own names."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(lab.names).items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def keys(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Credentials of every VC and role."""
    return Keys(lab, tmp_path_factory.mktemp("keys"))


@pytest.fixture
def dataset(keys: Keys) -> Iterator[str]:
    """A dataset of the test's own; it is deleted with all that is in it."""
    name = f"test-{secrets.token_hex(4)}"
    keys.run("create", name)
    yield name
    keys.run("delete", name, "--all", role="manager")
