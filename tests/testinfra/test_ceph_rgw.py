"""Objects by S3: accounts only, encrypted, versions kept where a bucket asks for them, a bucket for each VC."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator

import pytest
from testinfra.host import Host

from amalgam.datasets.parts import SMALLEST_PART
from tests.testinfra.http import status
from tests.testinfra.site_facts import CA, SiteFacts


@pytest.fixture
def url(facts: SiteFacts) -> str:
    return f"https://{facts.fqdn('objects')}:{facts.port('objects')}"


@pytest.fixture
def account(each_storage: Host) -> Iterator[str]:
    """Access key and secret key of an account that goes with the test, with all it has."""
    name = f"test-{secrets.token_hex(3)}"
    made = json.loads(each_storage.check_output(f"radosgw-admin user create --uid {name} --display-name {name}"))
    yield f"{made['keys'][0]['access_key']}:{made['keys'][0]['secret_key']}"
    each_storage.check_output(f"radosgw-admin user rm --uid {name} --purge-data")


def _s3(host: Host, account: str, method: str, url: str, *options: str) -> str:
    # curl signs the request's head; that of the body may be left out where TLS guards it.
    signed = f"--aws-sigv4 aws:amz:default:s3 --user {account} --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD'"
    curl = f"curl --silent --show-error --fail --cacert {CA} {signed} --request {method} {' '.join(options)}"
    return str(host.check_output(f"{curl} '{url}'"))


def test_a_gateway_runs_now_and_at_boot(each_storage: Host) -> None:
    service = each_storage.service(f"ceph-radosgw@rgw.{each_storage.backend.get_hostname()}")
    assert service.is_running
    assert service.is_enabled


def test_plain_text_is_not_spoken(each_storage: Host, url: str) -> None:
    assert each_storage.run(f"curl --silent --max-time 10 {url.replace('https', 'http')}").rc != 0


def test_strangers_are_refused(each_storage: Host, url: str) -> None:
    assert status(each_storage, f"{url}/bucket", "--request", "PUT") == "403"


@pytest.mark.parametrize("path", ["auth/v1.0", "swift/v1", "admin/usage"])
def test_nothing_but_s3_is_spoken(each_storage: Host, url: str, path: str) -> None:
    # To S3, each of them is an object or a bucket, and there is none.
    said = each_storage.check_output(f"curl --silent --show-error --max-time 20 --cacert {CA} {url}/{path}")
    assert "<Code>NoSuchBucket</Code>" in said


def test_an_object_is_what_was_put_also_its_older_version(each_storage: Host, url: str, account: str) -> None:
    bucket = f"{url}/{secrets.token_hex(6)}"
    _s3(each_storage, account, "PUT", bucket)
    versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    _s3(each_storage, account, "PUT", f"{bucket}?versioning=", f"--data '{versioning}'")
    for text in ("first", "second"):
        _s3(each_storage, account, "PUT", f"{bucket}/object", f"--data {text}")
    assert _s3(each_storage, account, "GET", f"{bucket}/object") == "second"
    listed = _s3(each_storage, account, "GET", f"{bucket}?versions=")
    older = listed.split("<IsLatest>false</IsLatest>")[0].rpartition("<VersionId>")[2].partition("</VersionId>")[0]
    assert _s3(each_storage, account, "GET", f"{bucket}/object?versionId={older}") == "first"


@pytest.fixture(scope="session")
def admin(facts: SiteFacts, connect: Callable[[str], Host]) -> Host:
    """The storage host that describes accounts and buckets."""
    return connect(facts.names("storage")[0])


def test_every_vc_has_a_bucket_with_versions_and_its_quota(admin: Host, facts: SiteFacts, url: str) -> None:
    assert facts.site.datasets
    for vc in facts.site.datasets:
        stats = json.loads(admin.check_output(f"radosgw-admin bucket stats --bucket datasets-{vc.vc}"))
        assert stats["owner"] == "datasets"
        asked = f"curl --config /etc/amalgam/ceph_rgw/owner.curl {url}/datasets-{vc.vc}?versioning="
        assert "<Status>Enabled</Status>" in admin.check_output(asked)
        assert (stats["bucket_quota"]["enabled"], stats["bucket_quota"]["max_size"]) == (True, vc.quota_gib * 1024**3)


@pytest.mark.parametrize(
    ("role", "operations"), [("reader", "read"), ("member", "read, write"), ("manager", "read, write, delete")]
)
def test_an_account_may_do_what_its_role_says_and_make_no_buckets(
    admin: Host, facts: SiteFacts, role: str, operations: str
) -> None:
    for vc in facts.site.datasets:
        account = json.loads(admin.check_output(f"radosgw-admin user info --uid datasets-{vc.vc}-{role}"))
        assert (account["op_mask"], account["max_buckets"], account["suspended"]) == (operations, -1, 0)
        assert len(account["keys"]) == 1
        assert account["caps"] == []


def test_the_gateway_writes_nothing_of_a_part_that_has_not_arrived(admin: Host) -> None:
    assert int(admin.check_output("ceph config get client.rgw rgw_obj_stripe_size")) == SMALLEST_PART


def test_keys_of_accounts_are_for_roots_eyes(admin: Host) -> None:
    folder = admin.file("/etc/amalgam/ceph_rgw")
    assert (folder.user, folder.mode) == ("root", 0o700)
    for name in ("accounts", "buckets", "owner.curl"):
        assert admin.file(f"/etc/amalgam/ceph_rgw/{name}").mode == 0o600


def test_pages_of_the_origins_named_reach_a_bucket_and_no_others(admin: Host, facts: SiteFacts, url: str) -> None:
    bucket = f"{url}/datasets-{facts.site.datasets[0].vc}"
    assert facts.cors_origins()
    rule = admin.check_output(f"curl --config /etc/amalgam/ceph_rgw/owner.curl {bucket}?cors=")
    assert "<ExposeHeader>ETag</ExposeHeader>" in rule
    # What a browser asks before it sends: without a key.
    asks = f"curl --silent --cacert {CA} --head --request OPTIONS --header 'Access-Control-Request-Method: PUT'"
    for origin in (*facts.cors_origins(), "https://elsewhere.example"):
        answer = admin.check_output(f"{asks} --header 'Origin: {origin}' {bucket}/blobs/attempt").lower()
        allowed = f"access-control-allow-origin: {origin}" in answer
        assert allowed == (origin in facts.cors_origins()), answer
