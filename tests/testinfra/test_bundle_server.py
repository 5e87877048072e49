"""The bundle is served to every host by HTTPS, and its server's key to nobody."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.http import HANDSHAKE_FAILED, UNKNOWN_AUTHORITY, refusal_of_old_tls, status
from tests.testinfra.site_facts import SiteFacts

KEY = "/etc/amalgam/pki/bundle-server.key"


def test_every_host_reads_the_manifest_with_the_sites_authority(each_host: Host, facts: SiteFacts) -> None:
    assert status(each_host, f"https://{facts.bundle}/manifest.json") == "200"


def test_without_the_sites_authority_the_server_is_not_believed(each_host: Host, facts: SiteFacts) -> None:
    assert each_host.run(f"curl --silent https://{facts.bundle}/manifest.json").rc == UNKNOWN_AUTHORITY


def test_folders_are_not_listed(each_host: Host, facts: SiteFacts) -> None:
    assert status(each_host, f"https://{facts.bundle}/images/") in ("403", "404")


def test_old_tls_is_refused(bundle_host: Host, facts: SiteFacts) -> None:
    assert refusal_of_old_tls(bundle_host, f"https://{facts.bundle}/manifest.json") == HANDSHAKE_FAILED


def test_the_key_is_for_root_alone(bundle_host: Host) -> None:
    key = bundle_host.file(KEY)
    assert (key.mode, key.user) == (0o600, "root")


def test_the_certificate_does_not_end_soon(bundle_host: Host) -> None:
    assert bundle_host.run("openssl x509 -in /etc/amalgam/pki/bundle-server.crt -noout -checkend 2592000").rc == 0
