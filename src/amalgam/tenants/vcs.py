"""Every VC with all that follows from where it stands: what it may use, and who its members are."""

from __future__ import annotations

from dataclasses import dataclass

from amalgam.models.tenants import Tenants, Vc
from amalgam.tenants.quotas import accounts
from amalgam.tenants.resources import Kind


@dataclass(frozen=True)
class Tenancy:
    """One VC in its place."""

    vc: Vc
    path: str
    """Names of organisation and groups around it, joined by slashes."""
    effective: dict[Kind, int]
    """Its quota, less what it lends, and with what it borrowed."""
    members: tuple[tuple[str, str], ...]
    """(user, role), sorted; those of groups and organisation among them."""

    @property
    def name(self) -> str:
        """The VC's name, which is that of its namespace too."""
        return self.vc.name

    @property
    def organisation(self) -> str:
        """The name at the top."""
        return self.path.partition("/")[0]


def tenancies(tenants: Tenants) -> tuple[Tenancy, ...]:
    """All VCs of a site, in the order of its file."""
    stand = {
        account.path: account for organisation in tenants.organisations for account in accounts(organisation.node())
    }
    found = []
    for vc, around in tenants.vcs():
        path = "/".join(group.name for group in around)
        pairs = {pair for members in (*(group.members for group in around), vc.members) for pair in members.items()}
        found.append(Tenancy(vc, path, stand[f"{path}/{vc.name}"].effective, tuple(sorted(pairs))))
    return tuple(found)
