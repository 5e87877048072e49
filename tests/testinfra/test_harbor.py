"""Harbor is where a site has chosen it, and leaves no trace where it has not."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.http import status
from tests.testinfra.site_facts import SiteFacts


def test_harbor_runs_on_the_registrys_host_of_a_site_that_chose_it_and_nowhere_else(
    each_host: Host, facts: SiteFacts
) -> None:
    wanted = facts.site.harbor is not None and each_host.backend.get_hostname() in facts.names("bundle_server")
    assert each_host.file("/etc/amalgam/harbor").exists is wanted
    assert each_host.service("harbor").is_enabled is wanted


def test_the_registrys_name_answers_as_the_backend_that_was_chosen(bundle_host: Host, facts: SiteFacts) -> None:
    expected = "200" if facts.site.harbor else "404"
    assert status(bundle_host, f"https://{facts.registry}/api/v2.0/health") == expected
