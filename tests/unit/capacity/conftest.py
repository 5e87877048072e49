"""What several modules of tests ask."""

from __future__ import annotations

import pytest

from tests.unit.capacity.synthetic import Synthetic, usual


@pytest.fixture
def synthetic() -> Synthetic:
    """A Prometheus with something of everything."""
    return usual()
