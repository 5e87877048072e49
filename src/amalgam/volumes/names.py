"""Names that people give to snapshots and to the claims made of them."""

from __future__ import annotations

from amalgam.errors import AmalgamError
from amalgam.models.fields import is_label


def require_name(name: str, what: str, where: str) -> None:
    """Refuse a name that the cluster would not take.

    Raises:
        AmalgamError: it is no DNS label (RFC 1123).
    """
    if not is_label(name):
        remedy = "use 1 to 63 lower-case letters, digits and hyphens"
        raise AmalgamError(f"{name!r} is no name for a {what}", where=where, remedy=remedy)
