"""Objects by S3: accounts only, encrypted, versions kept where a bucket asks for them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest
from testinfra.host import Host

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
