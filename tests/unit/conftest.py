"""Of every unit test: how long an example of a property takes is no failure, since machines are busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
