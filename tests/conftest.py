"""Fixtures of every test that needs running nodes, and the marker that says so."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amalgam.lab.environment import environment
from amalgam.lab.names import Names
from amalgam.lab.status import PARTIAL, UP, status
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.datasets import Keys
from tests.e2e.support.nodes import Done, Lab, Node
from tests.e2e.support.playbook import PlaybookRun, start_site
from tests.e2e.support.waiting import wait_until

_ON_NODES = ("e2e", "soak", "testinfra")
_TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs nodes, by its folder; a module that needs none says ``NEEDS_NODES = False``."""
    for item in items:
        inside = item.path.is_relative_to(_TESTS) and item.path.relative_to(_TESTS).parts[0] in _ON_NODES
        if inside and getattr(getattr(item, "module", None), "NEEDS_NODES", True):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The checkout's lab, which must be up with the site installed."""
    names = Names.of_checkout()
    facts = status(names)
    if facts["state"] == PARTIAL:
        # What a timer starts may have failed once on a busy machine: its node is degraded until the next turn.
        with contextlib.suppress(AssertionError):
            facts = wait_until("it is up", lambda: status(names), lambda seen: seen["state"] == UP, seconds=60)
    if facts["state"] != UP or not names.kubeconfig.exists():
        nodes = ", ".join(" ".join([one["name"], one["state"], *one["failed_units"]]) for one in facts["nodes"])
        pytest.fail(
            f"the lab is not up with its site installed (nodes: {nodes or 'none'}): run `make lab`", pytrace=False
        )
    return Lab(names)


@pytest.fixture(scope="session")
def node(lab: Lab) -> Callable[[str], Node]:
    """A node by its name: ``node("master1").run("uname -a").stdout``."""
    return lab.node


@pytest.fixture(scope="session")
def cluster(lab: Lab) -> Cluster:
    """The cluster of the checkout's lab."""
    return Cluster(lab)


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Callable[..., Done]:
    """Runs kubectl on the first control-plane node: ``kubectl("get nodes")``."""
    return cluster.kubectl


@pytest.fixture(scope="session")
def playbook(lab: Lab) -> Callable[..., PlaybookRun]:
    """Runs playbooks/site.yml on the lab to its end: ``playbook("--check", "--diff")``."""

    def run(*arguments: str) -> PlaybookRun:
        return start_site(lab.inventory, *arguments).wait()

    return run


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
