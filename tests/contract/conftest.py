"""Gives each contract test that asks for a ``role`` all of them, one by one."""

from __future__ import annotations

import pytest

from tests.contract.repository import roles


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per role, named after it."""
    if "role" in metafunc.fixturenames:
        metafunc.parametrize("role", roles(), ids=lambda role: role.name)
