"""Globs over paths inside a tree."""

from __future__ import annotations

import pytest

from amalgam.errors import AmalgamError
from amalgam.path_globs import handler_rules, matches, require_matches


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("etc/haproxy/**", "etc/haproxy/a", True),
        ("etc/haproxy/**", "etc/haproxy/a/b", True),
        ("etc/haproxy/**", "etc/haproxy/", False),
        ("etc/haproxy/**", "etc/haproxy2/a", False),
        ("etc/*", "etc/a/b", False),
        ("etc/*.cfg", "etc/a.cfg", True),
        ("etc/*.cfg", "etc/axcfg", False),
        ("**/*.key", "x.key", True),
        ("**/*.key", "a/b/x.key", True),
        ("etc/?", "etc/a", True),
        ("etc/?", "etc/", False),
        ("etc/[a]", "etc/a", False),
        ("etc/pki/", "etc/pki/", True),
        ("etc/pki/", "etc/pki", False),
        ("**", "a/b", True),
    ],
)
def test_a_pattern_means_the_paths_it_should(pattern, path, expected):
    assert matches(pattern, path) is expected


@pytest.mark.parametrize("pattern", ["/etc/motd", ""])
def test_a_pattern_that_is_not_relative_is_refused(pattern):
    with pytest.raises(AmalgamError, match="is not relative"):
        matches(pattern, "etc/motd")


def test_a_pattern_without_a_match_is_named_with_its_option():
    require_matches(["a*"], ["ab"], where="modes")
    with pytest.raises(AmalgamError, match="'b'") as caught:
        require_matches(["a*", "b"], ["ab"], where="modes")
    assert caught.value.where == "modes"


def test_one_handler_or_several_become_a_list():
    assert handler_rules({"a": "One", "b": ["Two", "Three"]}) == [("a", ["One"]), ("b", ["Two", "Three"])]
