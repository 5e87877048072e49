"""Which virtual clusters (VCs, the tenants) have datasets in the object store, how much, and who else reads them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import is_label
from amalgam.models.topology import STORAGE

VARIABLE = "ceph_rgw_datasets"
LONGEST_VC = 40
"""A bucket's name has at most 63 characters, and says more than the VC."""


class VcDatasets(BaseModel):
    """The datasets of one VC."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    vc: str
    quota_gib: Annotated[int, Field(ge=1)]
    """For all versions of all its datasets together (GiB)."""
    readers: list[str] = []
    """Other VCs that may read them."""
    key_generation: Annotated[int, Field(ge=1)] = 1
    """Raised by one, all keys of the VC are others, and those before are refused."""


def check_datasets(draft: Draft) -> None:
    """Add what is wrong with the VCs that have datasets."""
    variable = draft.site_wide(VARIABLE)
    entries = draft.setting(VARIABLE, list) or []
    if variable and entries and STORAGE not in draft.inventory.groups:
        reason = "there is no storage host, so no object store for it"
        draft.refuse(variable, Rule.DATASETS_WITHOUT_STORAGE, reason, "put a host into storage, or remove it")
    names: list[str] = [entry.vc for entry in entries]
    for index, entry in enumerate(entries):
        if entry.vc in names[:index]:
            reason, remedy = "two entries are for this VC", "make one of them"
            draft.refuse(variable, Rule.DUPLICATE_VC, reason, remedy, (index, "vc"))
        elif not is_label(entry.vc) or len(entry.vc) > LONGEST_VC:
            reason = "its name becomes part of those of a bucket and of accounts"
            remedy = f"use 1 to {LONGEST_VC} lower-case letters, digits and hyphens"
            draft.refuse(variable, Rule.BAD_VC_NAME, reason, remedy, (index, "vc"))
        for place, reader in enumerate(entry.readers):
            if reader == entry.vc or reader not in names:
                reason = "a VC reads its own datasets anyway" if reader == entry.vc else f"no VC is named {reader}"
                remedy = f"name another of: {', '.join(names)}"
                draft.refuse(variable, Rule.UNKNOWN_READER, reason, remedy, (index, "readers", place))
