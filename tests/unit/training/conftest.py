"""Jobs as the tests want them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from amalgam.training.parameters import TrainingJob

BASE = {"name": "flowers", "vc": "vision", "framework": "pytorch", "image": "registry.example:5000/vision/torch:1"}


@pytest.fixture
def job() -> Callable[..., TrainingJob]:
    """Makes a job of two workers that run ``train.py``, with what is given otherwise."""

    def make(**given: Any) -> TrainingJob:
        program = {} if "command" in given else {"script": ["train.py"]}
        return TrainingJob.model_validate({**BASE, "workers": 2, **program, **given})

    return make
