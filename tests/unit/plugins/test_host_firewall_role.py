"""The rules of the role ``host_firewall``, as the kernel takes them, in a network of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.plugins.conftest import LAYERS, ROOT, Play, Played

TEMPLATE = ROOT / "roles/host_firewall/templates/etc/nftables/amalgam.nft.j2"
VARIABLES = {
    "ansible_managed": "Managed",
    "host_firewall_admin_sources": ["192.0.2.0/24"],
    "host_firewall_trusted_interfaces": [],
    # As if it were open, and as Docker opens it: past the openings.
    "host_firewall_rules": [{"name": "all", "ports": ["1-65535"], "sources": ["0.0.0.0/0"]}],
}


@pytest.fixture
def rules(play: Callable[..., Played], tmp_path: Path) -> Callable[..., Path]:
    """Write the rules."""

    def write(**changed: object) -> Path:
        arguments = {"src": str(TEMPLATE), "dest": str(tmp_path / "rules.nft")}
        ran = play([{"ansible.builtin.template": arguments}], vars=VARIABLES | changed, gather_facts=False)
        assert ran.rc == 0, ran.output
        return tmp_path / "rules.nft"

    return write


def _reached(rules: Path, *, seconds: int) -> dict[str, bool]:
    """Whether port 9091 of a host with these rules is reached by itself and, within so long, by another one, too."""
    script = f"""
set -eu
unshare --net sleep 60 & other=$!
trap 'kill $(jobs -p)' EXIT
until ip link set lo up && [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add inside type veth peer name outside netns $other
ip address add 192.0.2.1/24 dev inside && ip link set inside up
nsenter --net --target $other ip address add 192.0.2.2/24 dev outside
nsenter --net --target $other ip link set outside up
nft --file {rules}
python3 -m http.server 9091 --directory {rules.parent} 2>/dev/null >/dev/null & server=$!
ask() {{ "${{@:2}}" bash -c "exec 3<>/dev/tcp/$1/9091" 2>/dev/null && echo yes || echo no; }}
until [ "$(ask 127.0.0.1 timeout 20)" = yes ]; do :; done
ask 192.0.2.1 timeout 20
ask 192.0.2.1 nsenter --net --target $other timeout {seconds}
"""
    done = subprocess.run(
        ["unshare", "--net", "bash", "-c", script], capture_output=True, text=True, check=True, timeout=50
    )
    own, other = done.stdout.split()
    return {"itself": own == "yes", "another": other == "yes"}


def test_a_port_of_the_hosts_own_is_closed_to_others_whoever_opens_it(rules: Callable[..., Path]) -> None:
    assert _reached(rules(host_firewall_own_ports=[]), seconds=20) == {"itself": True, "another": True}
    assert _reached(rules(host_firewall_own_ports=[9091]), seconds=2) == {"itself": True, "another": False}


def test_people_reach_what_they_use_and_hosts_alone_the_rest(play: Play) -> None:
    rules = [rule for name, part in LAYERS.items() if name.startswith("site_firewall_") for rule in part]
    opened = {rule["name"] for rule in rules if rule["sources"] == "{{ site_user_sources }}"}
    assert opened == {"API server", "registry", "objects", "monitoring"}
    others = {json.dumps(rule["sources"]) for rule in rules if rule["name"] not in opened}
    assert others == {
        '["{{ network_node_cidr }}"]',
        '["{{ site_management_address }}/32"]',
        "\"{{ groups['control_plane'] | map('extract', hostvars, 'ansible_host') }}\"",
    }
    site = {
        "site_user_sources": LAYERS["site_user_sources"],
        "network_node_cidr": "10.0.0.0/24",
        "network_user_cidrs": ["10.9.0.0/16"],
        "host_firewall_admin_sources": ["10.1.0.0/24"],
    }
    told = "site_user_sources == ['10.0.0.0/24', '10.1.0.0/24', '10.9.0.0/16']"
    ran = play([{"ansible.builtin.assert": {"that": told}}], vars=site, gather_facts=False)
    assert ran.rc == 0, ran.output
