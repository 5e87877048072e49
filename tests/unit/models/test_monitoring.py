"""What a site says of its mail, collecting, rules and jobs, where it is good or nobody can know yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.models import SiteFaultsError, load_site
from tests.fixtures.sites import valid_site


def _loads(folder: Path, text: str) -> list[str]:
    """Keys of the faults of a site whose ``monitoring.yml`` has ``text``."""
    site = valid_site("three-masters", folder / "site")
    (site / "group_vars/all/monitoring.yml").write_text(text)
    try:
        load_site(site, roles=folder / "roles")
    except SiteFaultsError as error:
        return [fault.key for fault in error.faults]
    return []


@pytest.mark.parametrize(
    "text",
    [
        'alertmanager_smtp: {smarthost: "{{ mail }}", from: "a@{{ site_domain }}", ca_certificate: "{{ lookup(1) }}"}',
        'alertmanager_smtp: {smarthost: a:25, from: a@b}\nalertmanager_receivers: ["{{ who }}"]',
        'alertmanager_smtp: {smarthost: a:25, from: a@b, username: a}\nalertmanager_smtp_password: "{{ secret }}"',
        'alertmanager_group_wait: "{{ wait }}"\nprometheus_retention_size: "{{ size }}"',
    ],
)
def test_what_is_a_template_is_left_to_the_role(tmp_path: Path, text: str) -> None:
    assert _loads(tmp_path, text) == []


def test_what_is_bad_beside_a_template_is_seen(tmp_path: Path) -> None:
    text = 'alertmanager_smtp: {smarthost: "{{ mail }}", from: nobody}\nalertmanager_receivers: ["{{ who }}", ops]'
    assert _loads(tmp_path, text) == ["alertmanager_smtp.from", "alertmanager_receivers[1]"]


def test_a_wrong_type_is_one_fault(tmp_path: Path) -> None:
    assert _loads(tmp_path, "alertmanager_smtp: mail\nalertmanager_receivers: [a@b]") == ["alertmanager_smtp"]


def test_good_rules_and_jobs_are_taken(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "ups.yml").write_text("groups: [{name: ups, rules: [{record: a, expr: up}]}]")
    rules = 'prometheus_extra_rule_files: ["{{ inventory_dir }}/../rules/ups.yml"]\n'
    assert _loads(tmp_path, f"{rules}prometheus_extra_scrape_configs: [{{job_name: ups}}]") == []


@pytest.mark.parametrize(
    "content", ["groups: [", "[]", "groups: {}", "groups: [{rules: []}]", "groups: [{name: a, rules: [{expr: up}]}]"]
)
def test_a_file_of_rules_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ups.yml").write_text(content)
    text = f"prometheus_extra_rule_files: [{tmp_path}/ups.yml]"
    assert _loads(tmp_path, text) == ["prometheus_extra_rule_files[0]"]


def test_two_files_of_one_name_are_refused_for_one_would_be_lost(tmp_path: Path) -> None:
    names = [tmp_path / "a" / "ups.yml", tmp_path / "b" / "ups.yml"]
    for name in names:
        name.parent.mkdir()
        name.write_text("groups: []")
    text = f"prometheus_extra_rule_files: [{names[0]}, {names[1]}]"
    assert _loads(tmp_path, text) == ["prometheus_extra_rule_files[1]"]
