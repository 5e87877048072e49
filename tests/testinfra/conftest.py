"""Hosts of the lab by their part in the site: a test that asks for ``each_node`` runs once on every node.

The inventory is the one the lab was made from; which hosts there are is known before the lab is up.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

from amalgam.lab.names import Names
from amalgam.lab.state import load
from amalgam.models import load_site
from tests.testinfra.site_facts import ROOT, SiteFacts

# Fixture -> hosts of the site.
_PARTS: dict[str, Callable[[SiteFacts], list[str]]] = {
    "each_host": SiteFacts.names,
    "each_node": lambda facts: facts.names("control_plane", "workers"),
    "each_control_plane": lambda facts: facts.names("control_plane"),
    "each_worker": SiteFacts.plain_workers,
    "each_storage": lambda facts: facts.names("storage"),
    "bundle_host": lambda facts: facts.names("bundle_server"),
    "management_host": lambda facts: facts.names("management"),
}

Connect = Callable[[str], Host]


@cache
def _facts() -> SiteFacts:
    state = load(Names.of_checkout())
    return SiteFacts(load_site(Path(state.inventory) if state else ROOT / "inventories" / "lab"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each host of the part that it asks for."""
    for fixture, hosts in _PARTS.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, hosts(_facts()), indirect=True, scope="session")


@pytest.fixture(scope="session")
def facts() -> SiteFacts:
    """The site that the lab was made from."""
    return _facts()


@pytest.fixture(scope="session")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """A host by its name, over one SSH connection that ends with the tests."""
    config = Names.of_checkout().ssh_config
    if not config.exists():
        pytest.fail("the lab is not up: run `make lab`", pytrace=False)
    sockets = tmp_path_factory.mktemp("ssh")

    @cache
    def to(name: str) -> Host:
        # The backend formats its command line once more: hence the second percent sign.
        return testinfra.get_host(f"ssh://{name}", ssh_config=str(config), controlpath=f"{sockets}/%%C")

    yield to
    for socket in sockets.iterdir():
        subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "lab"], check=False, capture_output=True)


def _connected(name: str) -> Callable[..., Host]:
    @pytest.fixture(name=name, scope="session")
    def fixture(request: pytest.FixtureRequest, connect: Connect) -> Host:
        return connect(request.param)

    return fixture


each_host = _connected("each_host")
each_node = _connected("each_node")
each_control_plane = _connected("each_control_plane")
each_worker = _connected("each_worker")
each_storage = _connected("each_storage")
bundle_host = _connected("bundle_host")
management_host = _connected("management_host")


@pytest.fixture(scope="session")
def another_host(connect: Connect, facts: SiteFacts) -> Callable[[Host], Host]:
    """Any other host than the given one."""

    def other(host: Host) -> Host:
        others = [name for name in facts.names() if name != host.backend.get_hostname()]
        if not others:
            pytest.skip("the site has one host")
        return connect(others[0])

    return other
