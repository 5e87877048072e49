"""The site's authority and its certificates."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from amalgam.errors import AmalgamError
from amalgam.pki import CA_LIFETIME, SERVER_LIFETIME, Credential, ServerName, is_current, issue, make_authority

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVER = ServerName("bundle-server", ["bundle.example.internal", "registry.example.internal"], ["192.0.2.31"])


@pytest.fixture(scope="module")
def authority() -> Credential:
    return make_authority("example", NOW)


def loaded(credential: Credential) -> x509.Certificate:
    return x509.load_pem_x509_certificate(credential.certificate.encode())


def test_a_server_certificate_is_accepted_for_its_names_and_addresses(authority: Credential, tmp_path: Path) -> None:
    issued = issue(authority, SERVER, NOW)
    (tmp_path / "ca.pem").write_text(authority.certificate)
    (tmp_path / "server.pem").write_text(issued.certificate)

    for check in ("-verify_hostname bundle.example.internal", "-verify_ip 192.0.2.31"):
        command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-attime", str(int(NOW.timestamp()))]
        trust = ["-CAfile", str(tmp_path / "ca.pem")]
        subprocess.run([*command, *check.split(), *trust, str(tmp_path / "server.pem")], check=True)


def test_a_server_certificate_keeps_the_rules_of_the_web(authority: Credential) -> None:
    verifier = PolicyBuilder().store(Store([loaded(authority)])).time(NOW)

    verifier.build_server_verifier(x509.DNSName("registry.example.internal")).verify(
        loaded(issue(authority, SERVER, NOW)), []
    )


def test_an_authority_signs_no_further_authorities(authority: Credential) -> None:
    constraints = loaded(authority).extensions.get_extension_for_class(x509.BasicConstraints)

    assert (constraints.value.ca, constraints.value.path_length, constraints.critical) == (True, 0, True)


def test_lifetimes_are_ten_years_and_one(authority: Credential) -> None:
    assert loaded(authority).not_valid_after_utc == NOW + CA_LIFETIME
    assert loaded(issue(authority, SERVER, NOW)).not_valid_after_utc == NOW + SERVER_LIFETIME


def test_a_machine_whose_clock_is_behind_accepts_a_new_certificate(authority: Credential) -> None:
    assert loaded(issue(authority, SERVER, NOW)).not_valid_before_utc < NOW - timedelta(minutes=30)


def test_a_certificate_does_not_outlive_its_authority(authority: Credential) -> None:
    late = NOW + CA_LIFETIME - timedelta(days=10)

    assert loaded(issue(authority, SERVER, late)).not_valid_after_utc == loaded(authority).not_valid_after_utc


def test_an_expired_authority_issues_nothing(authority: Credential) -> None:
    with pytest.raises(AmalgamError, match="expired"):
        issue(authority, SERVER, NOW + CA_LIFETIME)


def test_a_certificate_is_kept_until_a_third_of_its_time_is_left(authority: Credential) -> None:
    issued = issue(authority, SERVER, NOW)

    assert is_current(issued, authority, SERVER, NOW + SERVER_LIFETIME * 0.65)
    assert not is_current(issued, authority, SERVER, NOW + SERVER_LIFETIME * 0.68)


@pytest.mark.parametrize(
    "other",
    [
        ServerName(SERVER.name, [*SERVER.dns, "more.example.internal"], SERVER.addresses),
        ServerName(SERVER.name, SERVER.dns[:1], SERVER.addresses),
        ServerName(SERVER.name, SERVER.dns, ["192.0.2.32"]),
        ServerName(SERVER.name, SERVER.dns, SERVER.addresses, client=True),
    ],
)
def test_a_certificate_is_replaced_when_its_names_or_its_use_change(authority: Credential, other: ServerName) -> None:
    assert not is_current(issue(authority, SERVER, NOW), authority, other, NOW)


def test_the_order_of_names_does_not_matter(authority: Credential) -> None:
    turned = ServerName(SERVER.name, list(reversed(SERVER.dns)), SERVER.addresses)

    assert is_current(issue(authority, SERVER, NOW), authority, turned, NOW)


def test_a_certificate_of_another_authority_is_replaced(authority: Credential) -> None:
    other = make_authority("example", NOW)

    assert not is_current(issue(other, SERVER, NOW), authority, SERVER, NOW)


def test_a_certificate_with_another_ones_key_is_replaced(authority: Credential) -> None:
    mixed = Credential(issue(authority, SERVER, NOW).certificate, issue(authority, SERVER, NOW).key)

    assert not is_current(mixed, authority, SERVER, NOW)


@pytest.mark.parametrize("server", [ServerName("none"), ServerName("bad", addresses=["bundle.example.internal"])])
def test_a_certificate_for_nothing_or_for_no_address_is_refused(authority: Credential, server: ServerName) -> None:
    with pytest.raises(AmalgamError, match=server.name if server.name == "none" else "does not appear"):
        issue(authority, server, NOW)


@pytest.mark.parametrize(
    ("client", "usage"), [(False, ExtendedKeyUsageOID.SERVER_AUTH), (True, ExtendedKeyUsageOID.CLIENT_AUTH)]
)
def test_a_server_cannot_pass_for_a_client(authority: Credential, client: bool, usage: x509.ObjectIdentifier) -> None:
    issued = loaded(issue(authority, ServerName("prometheus", ["prometheus"], client=client), NOW))

    assert list(issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [usage]


def test_a_printed_credential_shows_no_key(authority: Credential) -> None:
    assert "PRIVATE KEY" not in repr(authority)


def test_an_authority_of_a_site_with_the_longest_name_signs() -> None:
    longest = make_authority("s" * 63, NOW)
    assert is_current(issue(longest, SERVER, NOW), longest, SERVER, NOW)
