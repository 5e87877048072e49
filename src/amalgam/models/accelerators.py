"""What a site says of the software that its chips need: whose it is, and the files that only the site can supply."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from amalgam.chips.host import fits, said
from amalgam.chips.table import Kind, kind_of
from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import Accelerator, ControllerPath
from amalgam.models.inventory import Variable

SOFTWARE = "accelerator_software"
AcceleratorSoftware = Literal["managed", "external"]


class Artifact(BaseModel):
    """A file on the controller that no registry has: in ``site/`` of the bundle, or elsewhere."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    path: ControllerPath
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Installer(Artifact):
    """A driver's or firmware's own installer."""

    version: Annotated[str, Field(pattern=r"^\d+(\.\w+)+$")]


class ImageArchive(Artifact):
    """A container image, as ``docker save`` writes it."""

    image: Annotated[str, Field(pattern=r"^[\w.:/-]+:[\w.-]+$")]
    """Its name in the archive, with the tag."""


_ARTIFACTS: dict[Accelerator, dict[str, type[Artifact]]] = {
    "nvidia": {"nvidia_driver": Installer},
    "ascend": {
        "ascend_driver": Installer,
        "ascend_firmware": Installer,
        "ascend_docker_runtime": Artifact,
        "ascend_device_plugin": ImageArchive,
    },
}
_NEEDED = ("ascend_docker_runtime", "ascend_device_plugin")

ACCELERATOR_VARIABLES: dict[str, TypeAdapter[Any]] = {
    SOFTWARE: TypeAdapter(AcceleratorSoftware),
    **{name: TypeAdapter(kind) for artifacts in _ARTIFACTS.values() for name, kind in artifacts.items()},
}
"""Variable of a host → its type."""


def software_of(draft: Draft, host: str) -> AcceleratorSoftware:
    """Whose the software of a host's chips is."""
    return "external" if draft.of_host(host, SOFTWARE, str) == "external" else "managed"


def check_accelerators(draft: Draft) -> None:
    """Add what is wrong with the files that hosts with chips need, and with files that nothing would read."""
    for accelerator, artifacts in _ARTIFACTS.items():
        hosts = [host for host in draft.inventory.hosts if draft.of_host(host, "accelerator", str) == accelerator]
        managed = [host for host in hosts if software_of(draft, host) == "managed"]
        if not managed:
            _check_unread(draft, accelerator)
        for name in artifacts:
            _check_artifact(draft, managed, kind_of(accelerator), name)


def _check_artifact(draft: Draft, hosts: list[str], kind: Kind, name: str) -> None:
    inventory = draft.inventory
    lacking = [inventory.variable(host, "accelerator") for host in hosts if inventory.variable(host, name) is None]
    for variable in _once(lacking if name in _NEEDED else []):
        reason = f"{kind.accelerator} chips need {name}, which is in no bundle, and it is not given"
        remedy = f"carry the maker's file over and name it in {name}, or say `{SOFTWARE}: external`"
        draft.refuse(variable, Rule.NO_ACCELERATOR_SOFTWARE, reason, remedy)
    wanted = {"driver": kind.needs.driver, "firmware": kind.needs.firmware}.get(name.rpartition("_")[2])
    for variable in _once([inventory.variable(host, name) for host in hosts] if wanted else []):
        installer = draft.value_of(variable, Installer)
        if installer and wanted and not fits(installer.version, wanted):
            reason = f"{installer.version}, where {kind.accelerator} chips want {said(wanted)}"
            draft.refuse(variable, Rule.UNFIT_DRIVER, reason, "supply a newer one", ("version",))


def _once(variables: list[Variable | None]) -> list[Variable]:
    """What several hosts have from one group is one mistake."""
    return list({id(variable): variable for variable in variables if variable}.values())


def _check_unread(draft: Draft, accelerator: Accelerator) -> None:
    for variable in draft.inventory.every_variable():
        if variable.name in _ARTIFACTS[accelerator]:
            reason = f"no host has {accelerator} chips whose software is managed here, so nothing would read it"
            draft.refuse(variable, Rule.UNREAD_ACCELERATOR_SOFTWARE, reason, f"remove it, or `{SOFTWARE}: external`")
