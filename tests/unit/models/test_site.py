"""The corpus of sites in ``tests/fixtures``: good ones load, and each bad one is refused by its own rule."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from amalgam.models import Rule, SiteFaultsError, load_site
from amalgam.paths import project_root
from tests.fixtures.sites import INVALID, VALID, expected_fault, invalid_site, valid_site


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    """No roles at all: the corpus is about the core keys, and stays what it is when roles change."""
    return tmp_path / "roles"


@pytest.mark.parametrize("name", VALID)
def test_a_valid_site_loads(name: str, tmp_path: Path, roles: Path) -> None:
    site = load_site(valid_site(name, tmp_path / "site"), roles=roles)

    assert site.hosts


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_site_is_refused_by_the_rule_it_names_and_by_no_other(
    name: str, tmp_path: Path, roles: Path
) -> None:
    folder = invalid_site(name, tmp_path / "site")
    expected = expected_fault(name)

    with pytest.raises(SiteFaultsError) as refused:
        load_site(folder, roles=roles)

    found = [(fault.rule, str(fault.file.relative_to(folder)), fault.key) for fault in refused.value.faults]
    assert found == [(expected.rule, expected.file, expected.key)]


def test_no_site_is_refused_by_asking_its_hosts(tmp_path: Path, roles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("somebody was asked")

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(pytest.fail.Exception):
        socket.create_connection(("127.0.0.1", 1))

    for name in INVALID:
        with pytest.raises(SiteFaultsError):
            load_site(invalid_site(name, tmp_path / name), roles=roles)


@pytest.mark.parametrize("name", INVALID)
def test_a_fixture_is_named_after_its_rule(name: str) -> None:
    assert name.partition("--")[0] == expected_fault(name).rule


def test_every_rule_has_a_site_that_it_refuses() -> None:
    assert {expected_fault(name).rule for name in INVALID} == {str(rule) for rule in Rule}


@pytest.mark.parametrize("name", INVALID)
def test_a_fault_says_why_and_what_to_do(name: str, tmp_path: Path, roles: Path) -> None:
    with pytest.raises(SiteFaultsError) as refused:
        load_site(invalid_site(name, tmp_path / "site"), roles=roles)

    for fault in refused.value.faults:
        assert fault.reason
        assert fault.remedy
        assert fault.line or not fault.file.is_file() or fault.rule in (Rule.MISSING_KEY, Rule.UNKNOWN_FILE, *UNREAD)


UNREAD = (Rule.WRONG_TYPE, Rule.UNKNOWN_GROUP, Rule.UNKNOWN_HOST)
"""Rules that may blame a whole file, and then no line."""


def test_all_faults_are_reported_together(tmp_path: Path, roles: Path) -> None:
    folder = valid_site("three-masters", tmp_path / "site")
    (folder / "group_vars" / "all" / "network.yml").write_text(
        "network_node_cidr: 192.0.2.0/24\n"
        "network_pod_cidr: 10.244.0.1/16\n"
        "network_service_cidr: 192.0.2.0/24\n"
        "network_dns_domain: cluster.local\n"
        "network_mtu: 1450\n"
    )

    with pytest.raises(SiteFaultsError) as refused:
        load_site(folder, roles=roles)

    places = [(fault.rule, fault.line) for fault in refused.value.faults]
    assert places == [(Rule.HOST_BITS_SET, 2), (Rule.CIDR_OVERLAP, 3), (Rule.UNKNOWN_KEY, 5)]
    assert str(folder / "group_vars" / "all" / "network.yml") + ":5" in str(refused.value)


def test_a_secret_in_clear_is_not_repeated_in_the_message(tmp_path: Path, roles: Path) -> None:
    with pytest.raises(SiteFaultsError) as refused:
        load_site(invalid_site("plain-secret", tmp_path / "site"), roles=roles)

    assert "correct horse" not in str(refused.value)


def test_a_host_has_what_its_groups_say_and_its_own_files(tmp_path: Path, roles: Path) -> None:
    site = load_site(valid_site("heterogeneous", tmp_path / "site"), roles=roles)
    hosts = {host.name: host for host in site.hosts}

    assert (hosts["npu1"].architecture, hosts["npu1"].accelerator) == ("arm64", "ascend")
    assert str(hosts["npu1"].address) == "192.0.2.41"
    assert hosts["npu1"].groups == {"workers", "npu_workers"}
    assert (hosts["stor1"].architecture, hosts["stor1"].accelerator) == ("amd64", None)
    assert hosts["npu1"].accelerator_software == "managed"
    assert site.architectures == ("amd64", "arm64")
    assert site.bundle_server.name == "stor1"
    assert [host.name for host in site.group("workers")] == ["gpu1", "gpu2", "npu1", "npu2"]


def test_the_runtimes_architecture_is_the_hosts_where_nothing_is_said(tmp_path: Path, roles: Path) -> None:
    folder = valid_site("heterogeneous", tmp_path / "site")
    (folder / "host_vars" / "npu2.yml").write_text("runtime_architecture: amd64\n")
    hosts = {host.name: host for host in load_site(folder, roles=roles).hosts}
    found = {name: (hosts[name].architecture, hosts[name].runtime_architecture) for name in ("gpu1", "npu1", "npu2")}
    assert found == {"gpu1": ("amd64", "amd64"), "npu1": ("arm64", "arm64"), "npu2": ("arm64", "amd64")}


def test_the_bundle_must_hold_the_architecture_of_every_runtime(tmp_path: Path, roles: Path) -> None:
    folder = valid_site("single-node", tmp_path / "site")
    (folder / "host_vars").mkdir(exist_ok=True)
    (host,) = load_site(folder, roles=roles).hosts
    (folder / "host_vars" / f"{host.name}.yml").write_text("architecture: arm64\nruntime_architecture: amd64\n")
    assert load_site(folder, roles=roles).architectures == ("amd64", "arm64")


def test_paths_of_the_controller_are_resolved_from_the_inventory_folder(tmp_path: Path, roles: Path) -> None:
    folder = valid_site("three-masters", tmp_path / "site")
    site = load_site(folder, roles=roles)

    assert site.bundle_path == folder / "bundle"
    assert site.state_dir == folder / ".state"


def test_a_sites_own_host_key_wins_over_its_groups(tmp_path: Path, roles: Path) -> None:
    folder = valid_site("heterogeneous", tmp_path / "site")
    (folder / "host_vars" / "npu2.yml").write_text("architecture: amd64\n")
    hosts = {host.name: host for host in load_site(folder, roles=roles).hosts}

    assert hosts["npu1"].architecture == "arm64"
    assert hosts["npu2"].architecture == "amd64"


def test_a_vaulted_password_is_accepted(tmp_path: Path, roles: Path) -> None:
    folder = valid_site("single-node", tmp_path / "site")
    vaulted = "ansible_become_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6135\n"
    (folder / "group_vars" / "all" / "connection.yml").write_text(vaulted)

    load_site(folder, roles=roles)


def test_a_site_without_lab_settings_is_no_lab(tmp_path: Path, roles: Path) -> None:
    assert load_site(valid_site("single-node", tmp_path / "one"), roles=roles).lab is None
    assert load_site(valid_site("three-masters", tmp_path / "two"), roles=roles).lab is not None


def test_four_hundred_hosts_are_checked_in_two_seconds(tmp_path: Path, roles: Path) -> None:
    import time

    folder = valid_site("three-masters", tmp_path / "site")
    hosts = "".join(
        f"            gpu{n}: {{ansible_host: 192.0.{2 + n // 250}.{n % 250 + 1}, accelerator: nvidia}}\n"
        for n in range(40, 440)
    )
    text = (folder / "hosts.yml").read_text()
    text = text.replace("          hosts:\n            gpu1:\n", "          hosts:\n" + hosts + "            gpu1:\n")
    (folder / "hosts.yml").write_text(text)
    network = folder / "group_vars" / "all" / "network.yml"
    network.write_text(network.read_text().replace("192.0.2.0/24", "192.0.0.0/16").replace("244.0.0/16", "128.0.0/9"))

    started = time.process_time()
    site = load_site(folder, roles=roles)

    assert len(site.hosts) == 405
    assert time.process_time() - started < 2


@pytest.mark.parametrize("folder", sorted((project_root() / "inventories").iterdir()), ids=lambda folder: folder.name)
def test_every_inventory_of_ours_is_valid(folder: Path) -> None:
    assert load_site(folder).settings.site_name == folder.name


@pytest.mark.parametrize("other", ["lab-ha", "lab-heterogeneous", "lab-single"])
def test_the_labs_differ_only_in_their_hosts_names_forwards_subvolumes_and_tenants(other: str) -> None:
    inventories = project_root() / "inventories"
    own = {"ceph_subvolumes.yml", "lab.yml", "site.yml", "tenants.yml"}
    lab, copy = inventories / "lab" / "group_vars" / "all", inventories / other / "group_vars" / "all"

    assert {path.name for path in copy.iterdir()} == {path.name for path in lab.iterdir()}
    assert {path.name for path in copy.iterdir() if path.resolve().parent != lab} == own
