"""Who shares the platform: organisations, their groups, the groups' virtual clusters (VCs), and people.

A VC is a namespace of the same name. What is not granted is not there: a kind that a quota does not name is none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from amalgam.models.faults import Rule
from amalgam.models.fields import Cidr, refusal, type_name
from amalgam.tenants.priorities import PriorityName
from amalgam.tenants.quotas import Lent, Node
from amalgam.tenants.rbac import Role
from amalgam.tenants.resources import Kind, parse

ORGANISATIONS = "tenants_organisations"
ROLES = "tenants_roles"


def _amount(kind: Kind) -> BeforeValidator:
    """Reads a quantity of ``kind``; what YAML makes a fraction is no exact number any more, and is refused."""

    def read(value: object) -> int:
        remedy = 'write a whole number, or in quotes a quantity like "500m", "16Gi"'
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise refusal(Rule.BAD_QUANTITY, f"must be a quantity, not {type_name(value)}", remedy)
        try:
            return parse(kind, value)
        except ValueError as error:
            raise refusal(Rule.BAD_QUANTITY, str(error), remedy) from None

    return BeforeValidator(read)


_Cpu = Annotated[int, _amount("cpu")]
_Memory = Annotated[int, _amount("memory")]
_Gpus = Annotated[int, _amount("nvidia.com/gpu")]
_Npus = Annotated[int, _amount("huawei.com/Ascend910")]
_Storage = Annotated[int, _amount("storage")]
_Pods = Annotated[int, _amount("pods")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Limits(_Strict):
    """Amounts that pods take; the keys are the names of Kubernetes' resources."""

    cpu: _Cpu = 0
    memory: _Memory = 0
    gpu: Annotated[_Gpus, Field(alias="nvidia.com/gpu")] = 0
    npu: Annotated[_Npus, Field(alias="huawei.com/Ascend910")] = 0
    pods: _Pods = 0

    def amounts(self) -> dict[Kind, int]:
        """Kind → amount, of those that are given."""
        given: dict[Kind, Any] = self.model_dump(by_alias=True, exclude_unset=True)  # type: ignore[assignment]
        return given


class Quota(Limits):
    """Amounts of everything that is granted."""

    storage: _Storage = 0


class Flow(_Strict):
    """Traffic that a VC lets through, beside name look-ups and what is within it: one peer, over certain ports.

    Between two VCs both must say it: one ``to``, the other ``from``.
    """

    direction: Literal["to", "from"]
    vc: str | None = None
    namespace: str | None = None
    """A namespace of the platform."""
    cidr: Cidr | None = None
    """Addresses outside the cluster."""
    ports: Annotated[list[Annotated[int, Field(ge=1, le=65535)]], Field(min_length=1)]
    """On the side that is reached."""
    protocol: Literal["TCP", "UDP"] = "TCP"

    @model_validator(mode="after")
    def _one_peer(self) -> Self:
        if sum(peer is not None for peer in (self.vc, self.namespace, self.cidr)) != 1:
            raise refusal(Rule.BAD_FLOW, "a flow has one peer", "give it one of vc, namespace and cidr")
        return self


class Vc(_Strict):
    """A virtual cluster."""

    name: str
    quota: Quota
    members: dict[str, str] = {}
    """User → role; those of its groups and its organisation are members too."""
    caps: dict[str, Limits] = {}
    """User → what all pods of this member together may take, of the VC's quota."""
    priority_classes: list[PriorityName] = ["training-normal", "interactive"]
    storage_classes: dict[str, _Storage] = {}
    """StorageClass → how much of the VC's storage may lie in it; no other can be used."""
    registry_projects: list[str] = []
    """Projects of the registry that are this VC's."""
    flows: list[Flow] = []


class Loan(_Strict):
    """What a group or VC leaves to a sibling until it is taken out of the file again."""

    lender: str
    borrower: str
    quota: Quota


class Group(_Strict):
    """A part of an organisation, or the organisation itself: what it has, it grants to its groups and VCs."""

    name: str
    quota: Quota
    members: dict[str, str] = {}
    """User → role, in every VC below."""
    borrowing: bool = False
    """Whether its groups and VCs may lend each other a part of their quotas."""
    loans: list[Loan] = []
    groups: list[Group] = []
    vcs: list[Vc] = []

    def node(self) -> Node:
        """This group for the arithmetic of quotas."""
        children = [group.node() for group in self.groups]
        children += [Node(vc.name, vc.quota.amounts()) for vc in self.vcs]
        loans = [Lent(loan.lender, loan.borrower, loan.quota.amounts()) for loan in self.loans]
        return Node(self.name, self.quota.amounts(), tuple(children), tuple(loans))


class Tenants(_Strict):
    """All tenants of a site."""

    organisations: list[Group] = []
    roles: list[Role] = []
    """Beside those that every site has."""

    def vcs(self) -> Iterator[tuple[Vc, tuple[Group, ...]]]:
        """Every VC, and the groups around it from the organisation down."""

        def below(group: Group, around: tuple[Group, ...]) -> Iterator[tuple[Vc, tuple[Group, ...]]]:
            for inner in group.groups:
                yield from below(inner, (*around, inner))
            yield from ((vc, around) for vc in group.vcs)

        for organisation in self.organisations:
            yield from below(organisation, (organisation,))
