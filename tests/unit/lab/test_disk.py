from __future__ import annotations

import stat

from amalgam.lab import disk, emulation, ssh
from amalgam.lab.names import Names


def _mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_disk_knows_its_name_its_keys_and_nothing_else(names: Names) -> None:
    ssh.create_user_key(names)
    disk.create(names, node="gpu1", architecture=emulation.own_architecture())
    upper = names.node_folder("gpu1") / "upper"
    assert (upper / "etc/hostname").read_text() == "gpu1\n"
    assert len((upper / "etc/machine-id").read_text().strip()) == 32
    assert (upper / "root/.ssh/authorized_keys").read_text() == names.ssh_key.with_suffix(".pub").read_text()
    assert _mode(upper / "etc/ssh/ssh_host_ed25519_key") == 0o600
    assert _mode(upper / "root/.ssh/authorized_keys") == 0o600
    assert _mode(upper / "root/.ssh") == _mode(upper / "root") == 0o700


def test_a_disk_made_again_is_empty_and_keeps_only_the_host_key(names: Names) -> None:
    ssh.create_user_key(names)
    disk.create(names, node="gpu1", architecture=emulation.own_architecture())
    upper = names.node_folder("gpu1") / "upper"
    key, machine = (upper / "etc/ssh/ssh_host_ed25519_key").read_bytes(), (upper / "etc/machine-id").read_text()
    (upper / "etc/left").touch()
    (disk.plain_folder(names.node_folder("gpu1"), "var/lib/kubelet") / "left").touch()
    disk.create(names, node="gpu1", architecture=emulation.own_architecture())
    assert not (upper / "etc/left").exists()
    assert list(disk.plain_folder(names.node_folder("gpu1"), "var/lib/kubelet").iterdir()) == []
    assert (upper / "etc/ssh/ssh_host_ed25519_key").read_bytes() == key
    assert (upper / "etc/machine-id").read_text() != machine


def test_an_emulated_node_has_what_it_needs_to_boot_and_a_native_one_has_nothing_of_it(names: Names) -> None:
    ssh.create_user_key(names)
    override = "upper/etc/systemd/system/systemd-sysusers.service.d/emulated.conf"
    disk.create(names, node="npu1", architecture="another")
    assert "LoadCredential=\n" in (names.node_folder("npu1") / override).read_text()
    disk.create(names, node="gpu1", architecture=emulation.own_architecture())
    assert not (names.node_folder("gpu1") / override).exists()
