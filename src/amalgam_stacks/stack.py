"""Which site a stack is for: a stack is named after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pulumi

from amalgam.errors import AmalgamError
from amalgam.models import Site, load_site
from amalgam.paths import project_root


@contextmanager
def told_to_the_engine() -> Iterator[None]:
    """What a person can act on is shown by Pulumi as it is, without a traceback."""
    try:
        yield
    except AmalgamError as error:
        raise pulumi.RunError(str(error)) from error


def site_of_stack() -> Site:
    """The site that the stack is named after; its inventory is ours of that name, or what ``inventory`` is set to.

    Raises:
        RunError: the site's data has faults, or it is another site's.
    """
    given = pulumi.Config().get("inventory")
    stack = pulumi.get_stack()
    folder = Path(given) if given else project_root() / "inventories" / stack
    with told_to_the_engine():
        if not folder.is_dir():
            remedy = f"name the stack after its site, or say `pulumi config set inventory FOLDER --stack {stack}`"
            raise AmalgamError(f"there is no inventory for the stack {stack}", where=str(folder), remedy=remedy)
        site = load_site(folder)
        if site.settings.site_name != stack:
            remedy = "choose the other stack: `pulumi stack select`"
            what = f"it is the inventory of {site.settings.site_name}, and the stack is {stack}"
            raise AmalgamError(what, where=str(folder), remedy=remedy)
        return site
