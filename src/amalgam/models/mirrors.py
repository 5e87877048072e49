"""Registries that nodes ask in place of others, which they cannot reach."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import is_domain, refusal

_URL = re.compile(r"https://(?P<host>[^/:]+)(:[0-9]{1,5})?(/[A-Za-z0-9._/-]+)?")


def _registry(value: str) -> str:
    host, _, port = value.partition(":")
    if not is_domain(host) or (port and not port.isdecimal()):
        remedy = "write what stands before the first slash in the names of its images: HOST or HOST:PORT"
        raise refusal(Rule.BAD_MIRROR, f"{value!r} is no registry", remedy)
    return value


def _endpoint(value: str) -> str:
    found = _URL.fullmatch(value)
    if found is None or not is_domain(found["host"]):
        remedy = "write https://HOST:PORT, or with the path of a proxy project: https://HOST/v2/PROJECT"
        raise refusal(Rule.BAD_MIRROR, f"{value!r} is no address of a mirror with TLS", remedy)
    return value


RegistryName = Annotated[str, AfterValidator(_registry)]
"""HOST or HOST:PORT, as in the names of images."""


class Mirror(BaseModel):
    """A registry, and who answers in its place."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    registry: RegistryName
    endpoint: Annotated[str, AfterValidator(_endpoint)]
    ca_certificate: str | None = None
    """PEM of the authority of the endpoint's certificate; absent: the site's own."""


def check_mirrors(draft: Draft) -> None:
    """Add what is wrong between the mirrors of a site."""
    variable = draft.site_wide("containerd_mirrors")
    names = [mirror.registry for mirror in draft.setting("containerd_mirrors", list) or []]
    for index, name in enumerate(names):
        if name in names[:index]:
            remedy = "keep one: a node asks one mirror for it"
            draft.refuse(variable, Rule.DUPLICATE_MIRROR, f"{name} has two mirrors", remedy, (index, "registry"))
