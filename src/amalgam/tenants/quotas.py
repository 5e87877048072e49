"""What each part of an organisation may use, and whether what is granted below it is ever more than that (ADR 14).

An organisation, its groups and its VCs form a tree. A parent's effective quota is granted to its children; children of
a parent that allows borrowing lend each other a part of theirs. A loan changes who has what, never how much there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amalgam.tenants.resources import KINDS, Amounts, Kind, quantity, total


@dataclass(frozen=True)
class Lent:
    """What one child of a parent leaves to another."""

    lender: str
    borrower: str
    amounts: Amounts


@dataclass(frozen=True)
class Node:
    """An organisation, a group or a VC; what ``quota`` does not name is none."""

    name: str
    quota: Amounts
    children: tuple[Node, ...] = ()
    loans: tuple[Lent, ...] = ()
    """Between the children."""


@dataclass(frozen=True)
class Account:
    """How one node stands."""

    path: str
    """Names from the organisation down, joined by slashes."""
    node: Node
    quota: dict[Kind, int]
    """What its parent granted."""
    effective: dict[Kind, int]
    """That, less what it lends, and with what it borrowed: what it may use."""
    granted: dict[Kind, int]
    """Of that, what it granted to its children."""

    def left(self, kind: Kind) -> int:
        """What it may grant still; negative where it granted more than it has."""
        return self.effective[kind] - self.granted[kind]


@dataclass(frozen=True)
class Excess:
    """A parent that granted more than it has, or a lender that lends more than is its own."""

    path: str
    kind: Kind
    needed: int
    has: int
    by: tuple[tuple[str, int], ...]
    """Who needs how much of it, the most first."""
    lent: bool = False

    def __str__(self) -> str:
        """One sentence with all the numbers."""
        needs = ", ".join(f"{name} {quantity(self.kind, amount)}" for name, amount in self.by)
        verb = "lends" if self.lent else "grants"
        needed, has = quantity(self.kind, self.needed), quantity(self.kind, self.has)
        excess = quantity(self.kind, self.needed - self.has)
        return f"{self.path} {verb} {needed} of {self.kind} ({needs}), and has {has}: {excess} too much"


def accounts(root: Node) -> Iterator[Account]:
    """How every node of an organisation stands, parents before their children."""
    yield from _accounts(root, root.name, total([root.quota]))


def _accounts(node: Node, path: str, effective: dict[Kind, int]) -> Iterator[Account]:
    # The sum of what children may use is the sum of their quotas: loans are between them.
    granted = total(child.quota for child in node.children)
    yield Account(path, node, total([node.quota]), effective, granted)
    for child in node.children:
        yield from _accounts(child, f"{path}/{child.name}", effective_quota(node, child))


def effective_quota(parent: Node, child: Node) -> dict[Kind, int]:
    """What a child may use: its quota, less what it lends, and with what it borrowed."""
    lent = total(loan.amounts for loan in parent.loans if loan.lender == child.name)
    borrowed = total(loan.amounts for loan in parent.loans if loan.borrower == child.name)
    return {kind: child.quota.get(kind, 0) - lent[kind] + borrowed[kind] for kind in KINDS}


def excesses(root: Node) -> Iterator[Excess]:
    """Everything in an organisation that is more than there is; nothing where it is sound."""
    for account in accounts(root):
        node = account.node
        for kind in KINDS:
            if account.granted[kind] > max(account.effective[kind], 0):
                by = _by((child.name, child.quota.get(kind, 0)) for child in node.children)
                yield Excess(account.path, kind, account.granted[kind], account.effective[kind], by)
        for child in node.children:
            yield from _lent_too_much(account.path, node, child)


def _lent_too_much(path: str, parent: Node, child: Node) -> Iterator[Excess]:
    """Only what is its own can be lent, so that no loan hangs on another."""
    loans = [loan for loan in parent.loans if loan.lender == child.name]
    lent = total(loan.amounts for loan in loans)
    for kind in KINDS:
        own = child.quota.get(kind, 0)
        if lent[kind] > own:
            by = _by((loan.borrower, loan.amounts.get(kind, 0)) for loan in loans)
            yield Excess(f"{path}/{child.name}", kind, lent[kind], own, by, lent=True)


def _by(parts: Iterator[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(((name, amount) for name, amount in parts if amount), key=lambda part: -part[1]))
