"""The first of what is sent to a host: finds the modules that came along, and runs the program among them."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import IO, Any


class Sent:
    """Finds modules by name among sources, and loads those that are imported; what is never imported costs nothing."""

    def __init__(self, sources: dict[str, str]) -> None:
        """``sources`` has every package and module that may be imported."""
        self._sources = sources

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 - Python's signature
        """A specification of each module that was sent."""
        if name not in self._sources:
            return None
        is_package = any(other.startswith(f"{name}.") for other in self._sources)
        return ModuleSpec(name, self, is_package=is_package)  # type: ignore[arg-type]  # what is called is there

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's source."""
        exec(compile(self._sources[module.__name__], module.__name__, "exec"), module.__dict__)  # noqa: S102 - our own


def start(sent: dict[str, Any], payload: IO[bytes]) -> None:
    """Run the program that was sent; ``payload`` is what was sent behind it."""
    sys.meta_path.insert(0, Sent(sent["sources"]))
    from amalgam.on_host.program import Request, main

    main(import_module(sent["program"]).run, Request(**sent["request"], payload=payload))
