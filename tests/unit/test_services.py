from __future__ import annotations

from amalgam.models import load_site
from amalgam.paths import project_root
from amalgam.services import address


def test_services_answer_in_the_site_s_domain_at_the_playbooks_ports() -> None:
    site = load_site(project_root() / "inventories" / "lab")
    assert address(site, "registry") == "registry.lab.amalgam.internal:5000"
    assert address(site, "objects") == "objects.lab.amalgam.internal:7480"
