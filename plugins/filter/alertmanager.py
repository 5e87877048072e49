"""Filters ``alertmanager_config``, ``alertmanager_problems``: a shim over :mod:`amalgam.monitoring.mail`.

Both take JSON: the values of Ansible's own mappings are there only once a template asks for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from amalgam.monitoring import mail


def alertmanager_config(settings: str) -> str:
    """The configuration as a file."""
    return mail.alertmanager_config(json.loads(settings))


def alertmanager_problems(settings: str) -> list[str]:
    """What is wrong with a site's mail."""
    return [str(problem) for problem in mail.check_mail(json.loads(settings))]


class FilterModule:
    """Ansible's way to find the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function: ``settings | to_json | alertmanager_config`` and so on."""
        return {"alertmanager_config": alertmanager_config, "alertmanager_problems": alertmanager_problems}
