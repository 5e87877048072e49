"""No sequence of accepted changes grants more than there is, at any place of the tree; refusals have the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from amalgam.tenants.quotas import Lent, Node, accounts, effective_quota, excesses
from amalgam.tenants.resources import KINDS, Kind

GPU: Kind = "nvidia.com/gpu"

_AMOUNTS = st.dictionaries(st.sampled_from(KINDS), st.integers(0, 8))


def _tree(*, depth: int) -> st.SearchStrategy[tuple[Node, ...]]:
    inner = _tree(depth=depth - 1) if depth else st.just(())
    node = st.builds(Node, name=st.just(""), quota=_AMOUNTS, children=inner)
    return st.lists(node, max_size=3).map(
        lambda nodes: tuple(replace(node, name=f"n{index}") for index, node in enumerate(nodes))
    )


# Where (a way down the tree), and what is made of the node there.
_WHERE = st.lists(st.integers(0, 2), max_size=3)
_CHANGE = st.one_of(
    st.tuples(st.just("quota"), _AMOUNTS),
    st.tuples(st.just("children"), _tree(depth=1)),
    st.tuples(
        st.just("loans"),
        st.lists(st.builds(Lent, st.sampled_from(["n0", "n1", "n2"]), st.sampled_from(["n0", "n1", "n2"]), _AMOUNTS)),
    ),
)


def _changed(node: Node, where: list[int], what: str, value: object) -> Node:
    if where and node.children:
        chosen = where[0] % len(node.children)
        child = _changed(node.children[chosen], where[1:], what, value)
        return replace(node, children=(*node.children[:chosen], child, *node.children[chosen + 1 :]))
    if what == "loans":
        # That lender and borrower are children is another rule's matter.
        names = {child.name for child in node.children}
        value = tuple(loan for loan in value if {loan.lender, loan.borrower} <= names)  # type: ignore[attr-defined]
    return replace(node, **{what: value})  # type: ignore[arg-type]


def _leaves(node: Node, effective: dict[Kind, int]) -> Iterator[dict[Kind, int]]:
    """What each node without children may use."""
    if not node.children:
        yield effective
    for child in node.children:
        yield from _leaves(child, effective_quota(node, child))


@settings(max_examples=300)
@given(st.lists(st.tuples(_WHERE, _CHANGE), max_size=12))
def test_no_sequence_of_accepted_changes_over_commits_any_ancestor(
    changes: list[tuple[list[int], tuple[str, object]]],
) -> None:
    root = Node(
        "o", dict.fromkeys(KINDS, 12), (Node("n0", dict.fromkeys(KINDS, 6)), Node("n1", dict.fromkeys(KINDS, 6)))
    )
    for where, (what, value) in changes:
        wanted = _changed(root, where, what, value)
        if not list(excesses(wanted)):
            root = wanted
        for account in accounts(root):
            leaves = list(_leaves(account.node, account.effective))
            for kind in KINDS:
                assert all(leaf[kind] >= 0 for leaf in leaves)
                assert sum(leaf[kind] for leaf in leaves) <= account.effective[kind]


@settings(max_examples=100)
@given(_tree(depth=2), st.lists(st.builds(Lent, st.just("n0"), st.just("n1"), _AMOUNTS), max_size=3))
def test_loans_change_who_has_what_and_never_how_much_there_is(children: tuple[Node, ...], loans: list[Lent]) -> None:
    known = {child.name for child in children}
    parent = Node("o", {}, children, tuple(loan for loan in loans if {loan.lender, loan.borrower} <= known))
    for kind in KINDS:
        assert sum(effective_quota(parent, child)[kind] for child in children) == sum(
            child.quota.get(kind, 0) for child in children
        )


def _group(*vcs: tuple[str, int], has: int, loans: tuple[Lent, ...] = ()) -> Node:
    return Node("lab", {GPU: has}, tuple(Node(name, {GPU: gpus}) for name, gpus in vcs), loans)


def test_an_over_committed_parent_is_told_with_the_numbers() -> None:
    told = [str(excess) for excess in excesses(_group(("vision", 6), ("nlp", 4), has=8))]
    assert told == ["lab grants 10 of nvidia.com/gpu (vision 6, nlp 4), and has 8: 2 too much"]


def test_a_group_that_lends_has_less_for_its_own() -> None:
    group = Node("research", {GPU: 4}, (Node("vision", {GPU: 4}),))
    root = Node("o", {GPU: 8}, (group, Node("ops", {GPU: 4})), (Lent("research", "ops", {GPU: 1}),))
    assert [str(excess) for excess in excesses(root)] == [
        "o/research grants 4 of nvidia.com/gpu (vision 4), and has 3: 1 too much"
    ]


def test_what_is_borrowed_can_not_be_lent_on() -> None:
    loans = (Lent("a", "b", {GPU: 2}), Lent("b", "c", {GPU: 3}))
    told = [str(excess) for excess in excesses(_group(("a", 2), ("b", 2), ("c", 2), has=6, loans=loans))]
    assert told == ["lab/b lends 3 of nvidia.com/gpu (c 3), and has 2: 1 too much"]


def test_an_account_says_what_a_parent_has_left() -> None:
    (parent, *_) = accounts(_group(("vision", 6), has=8))
    assert (parent.granted[GPU], parent.left(GPU)) == (6, 2)
