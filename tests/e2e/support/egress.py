"""What nodes sent to addresses that are not of the site."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from amalgam.lab.network import Attempt
from tests.e2e.support.nodes import Lab

OUTSIDE = "198.51.100.1"
"""TEST-NET-2 of RFC 5737: nobody's address, so whoever sends there is a test."""
_PROBES = ip_network("198.51.100.0/24")


def attempts_to_leave(lab: Lab) -> list[Attempt]:
    """All that was counted since the lab is up, but for what tests sent to :data:`OUTSIDE`."""
    settings = lab.site.settings
    # Addresses of pods and Services are the site's own, also where a packet to one is routed nowhere.
    inside = (_PROBES, settings.network_pod_cidr, settings.network_service_cidr)
    return [one for one in lab.egress() if not any(ip_address(one.destination) in network for network in inside)]
