"""Filter ``htpasswd``: a shim over :mod:`amalgam.htpasswd`."""

from __future__ import annotations

from collections.abc import Callable

from amalgam.htpasswd import entry


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[[str, str, str], str]]:
        """Name to function: ``user | htpasswd(password, salt)``."""
        return {"htpasswd": entry}
