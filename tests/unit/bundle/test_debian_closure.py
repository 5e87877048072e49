"""Whether a set of Debian packages is closed, by Debian's own rules for versions and relationships."""

from __future__ import annotations

from itertools import pairwise

import pytest

from amalgam.bundle.components import load_components
from amalgam.bundle.debian_closure import compare_versions, needed, unsatisfied
from amalgam.paths import project_root
from amalgam.pins import DebPin, load_lock


def pin(version="1", depends="", provides=""):
    return DebPin(version=version, sha256="", size=0, file="", sets=[], depends=depends, provides=provides)


def test_versions_sort_as_debian_policy_says():
    ordered = [
        "0.9",
        "1.0~~",
        "1.0~rc1",
        "1.0",
        "1.0-1",
        "1.0-1+b1",
        "1.0-1.1",
        "1.0a",
        "1.0.1",
        "1.2",
        "1.10",
        "1:0.1",
    ]
    assert all(compare_versions(older, newer) == -1 for older, newer in pairwise(ordered))
    assert all(compare_versions(newer, older) == 1 for older, newer in pairwise(ordered))
    assert compare_versions("0:1.0", "1.0") == 0
    assert compare_versions("1.00", "1.0") == 0


@pytest.mark.parametrize(
    ("depends", "provides", "closed"),
    [
        ("b", "", True),
        ("b (>= 2)", "", True),
        ("b (<< 2)", "", False),
        ("b (= 2-1)", "", True),
        ("absent", "", False),
        ("absent | b", "", True),
        ("b:any", "", True),
        ("virtual", "virtual", True),
        ("virtual (>= 3)", "virtual (= 3)", True),
        ("virtual (>= 3)", "virtual", False),
    ],
)
def test_a_dependency_is_answered_by_name_version_alternative_or_provision(depends, provides, closed):
    packages = {"a": pin(depends=depends), "b": pin("2-1", provides=provides)}
    assert (unsatisfied(packages) == []) is closed


def test_what_nothing_answers_is_named():
    assert unsatisfied({"a": pin(depends="b, absent (>= 2) | other"), "b": pin()}) == ["a: absent (>= 2) | other"]


def test_only_what_is_needed_is_kept_and_nothing_behind_a_cut():
    packages = {"a": pin(depends="b, c"), "b": pin(depends="d"), "c": pin(), "d": pin(), "e": pin()}
    assert needed(packages, ["a"]) == {"a", "b", "c", "d"}
    assert needed(packages, ["a"], without=["b"]) == {"a", "c"}


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_the_locked_node_set_needs_nothing_outside_itself(arch):
    packages = {name: entry for name, entry in load_lock().debian[arch].items() if "node" in entry.sets}
    wanted = load_components(project_root()).debian.sets["node"].wanted(arch)
    assert set(wanted) <= packages.keys()
    assert unsatisfied(packages) == []
