"""Filter ``vc_members``: a shim over :mod:`amalgam.tenants.vcs`."""

from __future__ import annotations

import json
from collections.abc import Callable

from pydantic import TypeAdapter

from amalgam.models.tenants import Group, Tenants
from amalgam.tenants.vcs import tenancies

_ORGANISATIONS = TypeAdapter(list[Group])


def vc_members(organisations: str) -> dict[str, list[str]]:
    """Each VC's members, those of the groups and the organisation around it among them, sorted.

    ``organisations`` is JSON (see ``registry_access``).
    """
    tenants = Tenants(organisations=_ORGANISATIONS.validate_python(json.loads(organisations)))
    return {tenancy.name: sorted({user for user, _ in tenancy.members}) for tenancy in tenancies(tenants)}


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[[str], dict[str, list[str]]]]:
        """Name to function: ``tenants_organisations | to_json | vc_members``."""
        return {"vc_members": vc_members}
