"""Variables that are options of roles: known by their declaration, and checked as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.models import Rule, SiteFaultsError, load_site
from tests.fixtures.sites import valid_site

SPECIFICATION = """
argument_specs:
  main:
    options:
      web_enabled: {type: bool, default: true}
      web_workers: {type: int}
      web_ratio: {type: float}
      web_title: {default: ""}
      web_root: {type: path}
      web_mode: {type: str, choices: [fast, safe]}
      web_key: {type: str, no_log: true}
      web_anything: {type: raw}
      web_values: {type: dict}
      web_names: {type: list, elements: str, choices: [a, b]}
      web_rules:
        type: list
        elements: dict
        options:
          name: {type: str, required: true}
          open: {type: bool}
"""


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    specification = tmp_path / "roles" / "web" / "meta" / "argument_specs.yml"
    specification.parent.mkdir(parents=True)
    specification.write_text(SPECIFICATION)
    return tmp_path / "roles"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return valid_site("single-node", tmp_path / "site")


@pytest.mark.parametrize(
    "text",
    [
        "web_enabled: false",
        "web_workers: 4",
        "web_ratio: 0.5",
        "web_ratio: 1",
        'web_title: "true"',
        "web_title: Site {{ site_name }}",
        "web_title: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6135",
        "web_title: !unsafe 'a {{ b'",
        'web_root: "{{ inventory_dir }}/web"',
        "web_mode: safe",
        'web_key: "{{ site_secrets.web }}"',
        "web_anything: [1, {a: yes}]",
        "web_values: {image: {tag: x}}",
        "web_names: [b]",
        "web_rules: [{name: one, open: true}, {name: two}]",
    ],
)
def test_a_value_of_the_declared_type_is_accepted(text: str, site: Path, roles: Path) -> None:
    (site / "group_vars" / "all" / "web.yml").write_text(text)

    load_site(site, roles=roles)


@pytest.mark.parametrize(
    ("text", "rule", "key", "line"),
    [
        ('web_enabled: "no"', Rule.QUOTED_BOOLEAN, "web_enabled", 1),
        ("web_enabled: 1", Rule.WRONG_TYPE, "web_enabled", 1),
        ('web_enabled: "{{ true }}"', Rule.BAD_TEMPLATE, "web_enabled", 1),
        ('web_workers: "4"', Rule.WRONG_TYPE, "web_workers", 1),
        ("web_workers: true", Rule.WRONG_TYPE, "web_workers", 1),
        ("web_workers:", Rule.WRONG_TYPE, "web_workers", 1),
        ("web_ratio: half", Rule.WRONG_TYPE, "web_ratio", 1),
        ("web_title: 1.10", Rule.WRONG_TYPE, "web_title", 1),
        ("web_title: 2026-01-01", Rule.WRONG_TYPE, "web_title", 1),
        ("web_mode: quick", Rule.BAD_CHOICE, "web_mode", 1),
        ("web_key: plain", Rule.PLAIN_SECRET, "web_key", 1),
        ("web_values: [1]", Rule.WRONG_TYPE, "web_values", 1),
        ("web_values:\n  upload:\n    password: plain", Rule.PLAIN_SECRET, "web_values.upload.password", 3),
        ("web_names: a", Rule.WRONG_TYPE, "web_names", 1),
        ("web_names:\n  - a\n  - c", Rule.BAD_CHOICE, "web_names[1]", 3),
        ("web_names:\n  - 1", Rule.WRONG_TYPE, "web_names[0]", 2),
        ("web_rules:\n  - name: one\n    close: true", Rule.UNKNOWN_KEY, "web_rules[0].close", 3),
        ("web_rules:\n  - name: one\n  - open: true", Rule.MISSING_KEY, "web_rules[1].name", 3),
        ('web_rules:\n  - name: one\n    open: "yes"', Rule.QUOTED_BOOLEAN, "web_rules[0].open", 3),
        ("web_enable: true", Rule.UNKNOWN_KEY, "web_enable", 1),
    ],
)
def test_a_value_of_another_type_is_refused_where_it_stands(
    text: str, rule: Rule, key: str, line: int, site: Path, roles: Path
) -> None:
    (site / "group_vars" / "all" / "web.yml").write_text(text)

    with pytest.raises(SiteFaultsError) as refused:
        load_site(site, roles=roles)

    assert [(fault.rule, fault.key, fault.line) for fault in refused.value.faults] == [(rule, key, line)]


def test_a_typing_error_is_answered_with_the_name_that_was_meant(site: Path, roles: Path) -> None:
    (site / "group_vars" / "all" / "web.yml").write_text("web_worker: 4")

    with pytest.raises(SiteFaultsError, match=r"did you mean web_workers\?"):
        load_site(site, roles=roles)


def test_an_option_may_be_given_to_a_group_or_a_host(site: Path, roles: Path) -> None:
    (site / "group_vars" / "workers.yml").write_text("web_workers: 2")
    (site / "host_vars").mkdir()
    (site / "host_vars" / "node1.yml").write_text("web_workers: 3")

    load_site(site, roles=roles)


def test_a_broken_specification_is_named(site: Path, roles: Path) -> None:
    (roles / "web" / "meta" / "argument_specs.yml").write_text("argument_specs: [main]")

    with pytest.raises(AmalgamError, match="not a specification") as refused:
        load_site(site, roles=roles)

    assert refused.value.where.endswith("web/meta/argument_specs.yml")
