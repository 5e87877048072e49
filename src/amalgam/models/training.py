"""Which virtual clusters (VCs) have a volume for training: checkpoints, logs and TensorBoard's files of their jobs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import is_label

VARIABLE = "training_volumes"


class TrainingVolume(BaseModel):
    """The training volume of one VC."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    vc: str
    size: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}(Mi|Gi|Ti)$")]
    storage_class: str


def check_training(draft: Draft) -> None:
    """Add what is wrong with the training volumes."""
    variable = draft.site_wide(VARIABLE)
    names: list[str] = [entry.vc for entry in draft.setting(VARIABLE, list) or []]
    for index, name in enumerate(names):
        if name in names[:index]:
            reason, remedy = "two volumes are for this VC", "make one of them"
            draft.refuse(variable, Rule.DUPLICATE_VC, reason, remedy, (index, "vc"))
        elif not is_label(name):
            reason, remedy = "it is the name of a namespace", "use 1 to 63 lower-case letters, digits and hyphens"
            draft.refuse(variable, Rule.BAD_VC_NAME, reason, remedy, (index, "vc"))
