"""Filters ``monitoring_access``, ``monitoring_dashboards``, ``monitoring_runbooks``: :mod:`amalgam.monitoring`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from amalgam.monitoring.dashboards import as_json, load
from amalgam.monitoring.web_access import web_access


def monitoring_access(
    rights: Mapping[str, Iterable[str]],
    administrators: Iterable[str],
    passwords: Mapping[str, str],
    writers: Mapping[str, str],
    salt: str,
) -> dict[str, Any]:
    """The fields of :class:`~amalgam.monitoring.web_access.WebAccess`."""
    # Ansible renders what is inside a list or mapping when Python asks for it.
    plain = {str(vc): [str(user) for user in users] for vc, users in rights.items()}
    words = {str(user): str(password) for user, password in passwords.items()}
    senders = {str(user): str(password) for user, password in writers.items()}
    chiefs = [str(user) for user in administrators]
    return asdict(web_access(plain, administrators=chiefs, passwords=words, writers=senders, salt=salt))


def monitoring_dashboards(folder: str, site: str) -> str:
    """JSON of the dashboards described in ``folder``, for the page that draws them."""
    return as_json(load(Path(folder)), site)


def monitoring_runbooks(folder: str) -> list[dict[str, str]]:
    """Files as ``template_tree`` takes them: every runbook in ``folder``, below ``runbooks/``."""
    found = sorted(Path(folder).glob("*.md"))
    return [{"path": f"runbooks/{file.name}", "content": file.read_text(encoding="utf-8")} for file in found]


class FilterModule:
    """Ansible's way to find the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function: ``rights | monitoring_access(...)``, ``folder | monitoring_dashboards(site)``."""
        return {
            "monitoring_access": monitoring_access,
            "monitoring_dashboards": monitoring_dashboards,
            "monitoring_runbooks": monitoring_runbooks,
        }
