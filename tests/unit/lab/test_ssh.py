from __future__ import annotations

import stat
import subprocess

from amalgam.lab import ssh
from amalgam.lab.names import Names
from amalgam.lab.state import LabState


def _resolved(names: Names, host: str) -> dict[str, str]:
    """What OpenSSH itself understands of the file."""
    shown = subprocess.run(["ssh", "-G", "-F", str(names.ssh_config), host], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in shown.stdout.splitlines() if " " in line)


def test_a_node_is_reached_by_name_and_by_lab_address_alike(names: Names, state: LabState) -> None:
    ssh.create_host_key(names, node="gpu1")
    ssh.write_files(names, state)
    for host in ("gpu1", "10.88.0.21"):
        options = _resolved(names, host)
        assert options["hostname"] == "127.9.9.21"
        assert options["port"] == "10022"
        assert options["hostkeyalias"] == "gpu1"
        assert options["user"] == "root"


def test_only_the_labs_own_keys_are_trusted(names: Names, state: LabState) -> None:
    ssh.create_host_key(names, node="gpu1")
    ssh.write_files(names, state)
    options = _resolved(names, "gpu1")
    assert options["stricthostkeychecking"] in ("true", "yes")
    assert options["userknownhostsfile"] == str(names.known_hosts)
    assert options["globalknownhostsfile"] == "none"
    assert options["identityfile"] == str(names.ssh_key)
    assert options["identitiesonly"] == "yes"


def test_known_hosts_has_each_nodes_key_under_its_name(names: Names, state: LabState) -> None:
    ssh.create_host_key(names, node="gpu1")
    key = ssh.host_key(names, "gpu1").with_suffix(".pub").read_text().split()[1]
    assert ssh.known_hosts(names, state) == f"gpu1 ssh-ed25519 {key}\n"


def test_keys_are_private_and_made_once(names: Names) -> None:
    ssh.create_user_key(names)
    first = names.ssh_key.read_bytes()
    ssh.create_user_key(names)
    assert names.ssh_key.read_bytes() == first
    assert stat.S_IMODE(names.ssh_key.stat().st_mode) == 0o600


def test_a_private_key_without_its_public_half_is_made_again(names: Names) -> None:
    ssh.create_user_key(names)
    first = names.ssh_key.read_bytes()
    names.ssh_key.with_suffix(".pub").unlink()
    ssh.create_user_key(names)
    assert names.ssh_key.read_bytes() != first
    assert names.ssh_key.with_suffix(".pub").exists()
