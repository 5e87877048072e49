"""Who has no right to a dataset cannot read it, and nobody can change what is published: not with any tool."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from amalgam.datasets.bucket import Bucket
from amalgam.datasets.catalog import Catalog
from amalgam.datasets.download import download
from amalgam.datasets.layout import BLOBS, Role, account, blob_key, manifest_key
from amalgam.datasets.upload import upload
from amalgam.errors import AmalgamError
from tests.e2e.support.datasets import READING_VC, VC, Keys
from tests.e2e.support.nodes import Lab, Node

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("reach")]

CONTENT = b"what was published"
APPLY = "/usr/local/libexec/amalgam/ceph-rgw-datasets-apply"
ACCOUNTS = "/etc/amalgam/ceph_rgw/accounts"


@pytest.fixture
def storage(lab: Lab) -> Node:
    return lab.node(lab.members("storage")[0])


@pytest.fixture
def published(keys: Keys, dataset: str, tmp_path: Path) -> str:
    """A dataset with one version of one file."""
    (tmp_path / "file").write_bytes(CONTENT)
    upload(keys.bucket(), dataset, tmp_path / "file", creator="test")
    return dataset


def _refused(action: Callable[[], object]) -> bool:
    """Whether the store refuses this, or one part of it."""
    try:
        answer = action()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "403")
    except AmalgamError as error:
        return "no right" in error.what
    return isinstance(answer, dict) and [one["Code"] for one in answer.get("Errors", [])] == ["AccessDenied"]


def _s3(bucket: Bucket) -> Any:
    """The plain client beneath, with which a key's holder can try anything."""
    return bucket._client


def _blob() -> str:
    return blob_key(hashlib.sha256(CONTENT).hexdigest())


@pytest.mark.parametrize("role", ["member", "manager"])
def test_nobody_can_change_what_is_published_with_any_call(
    role: str, keys: Keys, published: str, tmp_path: Path
) -> None:
    bucket = keys.bucket(role)
    s3, manifest = _s3(bucket), manifest_key(published, 1)
    before = Catalog(bucket).version(published)
    first = bucket.history(manifest).objects[-1].version
    everybody = json.dumps({"Version": "2012-10-17", "Statement": []})
    expiry = {
        "ID": "all",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    }
    attempts: list[Callable[[], object]] = [
        lambda: s3.delete_object(Bucket=bucket.name, Key=manifest, VersionId=first),
        lambda: s3.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": manifest, "VersionId": first}]}),
        lambda: s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"}),
        lambda: s3.put_bucket_policy(Bucket=bucket.name, Policy=everybody),
        lambda: s3.delete_bucket_policy(Bucket=bucket.name),
        lambda: s3.put_bucket_acl(Bucket=bucket.name, ACL="public-read-write"),
        lambda: s3.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration={"Rules": [expiry]}),
        lambda: s3.delete_bucket_lifecycle(Bucket=bucket.name),
        lambda: s3.delete_bucket(Bucket=bucket.name),
        lambda: s3.create_bucket(Bucket="somewhere-else"),
        lambda: s3.put_object(Bucket=bucket.name, Key="elsewhere", Body=b"x"),
    ]
    if role == "member":
        attempts += [
            lambda: s3.delete_object(Bucket=bucket.name, Key=manifest),
            lambda: s3.delete_object(Bucket=bucket.name, Key=_blob()),
        ]
    assert [_refused(action) for action in attempts] == [True] * len(attempts)

    over = bucket.put(manifest, b'{"format": 1}')
    bucket.put(_blob(), b"something else")
    # Not even that, so that no key of a VC removes anything there.
    assert _refused(lambda: bucket.remove(manifest, over))
    assert Catalog(bucket).version(published) == before
    download(bucket, published, tmp_path / "back")
    assert (tmp_path / "back" / "file").read_bytes() == CONTENT


def test_a_version_that_a_manager_deletes_with_another_tool_is_gone_for_good(keys: Keys, published: str) -> None:
    manager, manifest = keys.bucket("manager"), manifest_key(published, 1)
    content = manager.read(_manifest(manager, published))
    _s3(manager).delete_object(Bucket=manager.name, Key=manifest)
    (mark,) = manager.history(manifest).marks
    assert _refused(lambda: manager.remove(manifest, mark.version))
    manager.put(manifest, content)
    assert "the version was deleted" in keys.run("verify", published, "--version", "1", check=False).output


def test_a_manifest_that_a_member_made_up_is_named_and_spoils_no_other(keys: Keys, published: str) -> None:
    bucket = keys.bucket()
    for number, content in ((2, b"\x00"), (3, b'{"format": 1}'), (4, bucket.read(_manifest(bucket, published)))):
        bucket.put(manifest_key(published, number), content)
        refused = keys.run("download", published, "/nowhere", "--version", str(number), check=False)
        assert refused.rc == 1
        assert f"{published}, version {number}: the manifest is damaged" in refused.output.replace("\n", " ")
    assert [one.get("damaged", "") != "" for one in keys.facts("versions", published)] == [False, True, True, True]
    keys.run("verify", published, "--version", "1")
    keys.run("delete", published, "--version", "2", role="manager")


def _manifest(bucket: Bucket, name: str) -> Any:
    return bucket.history(manifest_key(name, 1)).objects[-1]


def test_content_that_was_put_in_advance_under_a_wrong_name_is_not_taken_for_the_file(
    keys: Keys, dataset: str, tmp_path: Path
) -> None:
    bucket = keys.bucket()
    bucket.put(_blob(), bytes(len(CONTENT)))
    (tmp_path / "file").write_bytes(CONTENT)
    assert upload(bucket, dataset, tmp_path / "file", creator="test").sent_bytes == len(CONTENT)
    download(bucket, dataset, tmp_path / "back")
    assert (tmp_path / "back" / "file").read_bytes() == CONTENT


def test_a_vc_reads_anothers_datasets_only_where_the_site_says_so(keys: Keys, published: str) -> None:
    assert "no right" in keys.run("list", "--vc", READING_VC, check=False).output
    keys.run("verify", published, "--vc", VC, vc=READING_VC)
    for words in (("create", "own"), ("delete", published, "--version", "1"), ("delete", published, "--all")):
        refused = keys.run(*words, "--vc", VC, role="manager", vc=READING_VC, check=False)
        assert (refused.rc, "no right" in refused.output) == (1, True), words


def test_no_access_list_of_an_object_opens_it_to_another_vc(keys: Keys) -> None:
    """The reading VC's own bucket: nobody else may read there."""
    owner, other = keys.bucket(vc=READING_VC), keys.bucket(of=READING_VC)
    key, stranger = f"{BLOBS}{'0' * 64}", account(VC, Role.MEMBER)
    grants: list[dict[str, str]] = [{"ACL": "public-read"}, {"GrantRead": f"id={stranger}"}]
    for grant in grants:
        version = _s3(owner).put_object(Bucket=owner.name, Key=key, Body=b"secret", **grant)["VersionId"]
        try:
            assert _refused(lambda version=version: b"".join(other.stream(key, version)))
            assert _refused(lambda: _s3(other).get_object(Bucket=other.name, Key=key))
            assert _refused(lambda: _s3(other).list_objects_v2(Bucket=other.name))
        finally:
            keys.bucket("manager", READING_VC).remove(key, version)


def test_a_reader_reads_and_a_member_does_not_delete(keys: Keys, published: str, tmp_path: Path) -> None:
    keys.run("verify", published, role="reader")
    (tmp_path / "more").write_bytes(b"more")
    for role, words in (
        ("reader", ("upload", published, str(tmp_path / "more"))),
        ("reader", ("delete", published, "--version", "1")),
        ("member", ("delete", published, "--version", "1")),
        ("member", ("delete", published, "--unfinished")),
    ):
        refused = keys.run(*words, role=role, check=False)
        assert (refused.rc, "no right" in refused.output) == (1, True), (role, words)
    keys.run("verify", published)


@pytest.fixture
def accounts(storage: Node) -> Iterator[str]:
    """The file that says which accounts there are; what a test makes of it is undone."""
    storage.run(f"cp {ACCOUNTS} /run/accounts")
    yield ACCOUNTS
    storage.run(f"cp /run/accounts {ACCOUNTS} && rm /run/accounts && {APPLY}")


def test_a_vc_that_is_taken_out_loses_access_and_no_data(
    keys: Keys, published: str, storage: Node, accounts: str
) -> None:
    storage.run(f"sed -i '/^datasets-{VC}-/d' {accounts} && {APPLY}")
    refused = keys.run("verify", published, check=False)
    assert "this account is suspended" in refused.output
    keys.run("verify", published, "--vc", VC, vc=READING_VC)
    storage.run(f"cp /run/accounts {accounts} && {APPLY}")
    keys.run("verify", published)


def test_keys_of_another_generation_replace_those_before(
    keys: Keys, published: str, storage: Node, accounts: str
) -> None:
    storage.run(
        f"sed -i 's/^\\(datasets-{VC}-member [^ ]*\\) .\\{{20\\}} /\\1 ABCDEFGHIJKLMNOPQRST /' {accounts} && {APPLY}"
    )
    assert "does not know this key" in keys.run("verify", published, check=False).output
    keys.run("verify", published, role="reader")


def test_a_description_of_accounts_that_was_killed_is_finished_by_the_next_run(storage: Node) -> None:
    storage.run("ceph config-key rm amalgam/datasets")
    for seconds in (0.3, 0.8, 1.5):
        storage.run(f"timeout --signal KILL {seconds} {APPLY}", check=False)
    assert storage.run(APPLY).stdout == "applied\n"
    assert storage.run(APPLY).stdout == ""
