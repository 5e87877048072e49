"""Full, unreachable, untrusted, damaged: each is said in so many words, and nothing is lost."""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from amalgam.datasets import blobs
from amalgam.datasets.catalog import Catalog
from amalgam.datasets.credentials import Credentials
from amalgam.datasets.layout import BLOBS, blob_key, bucket_name
from amalgam.datasets.local import read_tree
from amalgam.datasets.progress import Quiet
from amalgam.datasets.upload import upload
from amalgam.errors import AmalgamError
from amalgam.pki import make_authority
from tests.e2e.support.datasets import VC, Keys, raw_objects, stored_bytes, write_parts
from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("reach")]

POOL = "default.rgw.buckets.data"


@pytest.fixture
def storage(lab: Lab) -> Node:
    return lab.node(lab.members("storage")[0])


def _quota(storage: Node, size: int) -> None:
    storage.run(f"radosgw-admin quota set --quota-scope bucket --bucket {bucket_name(VC)} --max-size {size}")


def test_a_full_quota_stops_an_upload_that_goes_on_when_there_is_room(
    lab: Lab, keys: Keys, dataset: str, tmp_path: Path, storage: Node
) -> None:
    (entry,) = (one for one in lab.site.datasets if one.vc == VC)
    write_parts(tmp_path / "large", 8)
    _quota(storage, 50_000_000)
    try:
        refused = keys.run("upload", dataset, str(tmp_path / "large"), check=False)
    finally:
        _quota(storage, entry.quota_gib * 1024**3)
    assert refused.rc == 1
    assert "the VC's quota of datasets is used up" in refused.output
    assert keys.facts("versions", dataset) == []
    resumed = keys.run("upload", dataset, str(tmp_path / "large"), "--json")
    # What had arrived counts too.
    assert "sending" in resumed.stderr
    assert "134.2/134.2 MB" in resumed.stderr
    done = json.loads(resumed.stdout)
    assert 0 < done["sent_bytes"] < done["total_bytes"]
    keys.run("verify", dataset)
    (tmp_path / "large").unlink()


@contextmanager
def _full_pool(storage: Node) -> Iterator[None]:
    is_full = f"ceph osd pool ls detail | grep \"'{POOL}'\" | grep --count full"

    def wait(what: str, count: str) -> None:
        wait_until(what, lambda: storage.run(is_full, check=False).stdout.strip(), lambda n: n == count, seconds=60)

    storage.run(f"rados --pool {POOL} put filling /etc/services; ceph osd pool set-quota {POOL} max_bytes 1")
    try:
        wait("the pool is full", "1")
        yield
    finally:
        storage.run(f"ceph osd pool set-quota {POOL} max_bytes 0")
        wait("the pool has room", "0")
        storage.run(f"rados --pool {POOL} rm filling")


def test_full_disks_stop_an_upload_in_time_and_it_goes_on_when_there_is_room(
    keys: Keys, dataset: str, tmp_path: Path, storage: Node
) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with _full_pool(storage), pytest.raises(AmalgamError, match="does not answer") as refused:
        upload(keys.bucket(timeout_s=5), dataset, tmp_path / "file", creator="test")
    assert "is a pool full" in refused.value.remedy
    upload(keys.bucket(), dataset, tmp_path / "file", creator="test")
    keys.run("verify", dataset)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"access_key": "A" * 20}, "does not know this key"),
        ({"secret_key": "wrong"}, "the secret key is not the one of this account"),
        ({"endpoint": "https://nowhere.invalid:7480"}, "cannot be reached"),
        ({"vc": "nobody"}, "this VC has no datasets on this site"),
        ({"ca_certificate": make_authority("another").certificate}, "certificate is not trusted"),
    ],
    ids=["key", "secret", "address", "VC", "authority"],
)
def test_credentials_that_are_wrong_are_refused_with_what_is_wrong(
    change: dict[str, str], said: str, keys: Keys, tmp_path: Path
) -> None:
    wrong = Credentials.model_validate({**keys.credentials().model_dump(), **change})
    wrong.save(tmp_path / "wrong.json")
    refused = keys.run_with(tmp_path / "wrong.json", "list")
    assert refused.rc == 1
    assert said in refused.output
    assert "remedy:" in refused.output
    assert "Traceback" not in refused.output
    assert keys.credentials().secret_key not in refused.output


def test_a_gateway_that_is_down_is_named_and_the_upload_goes_on_when_it_is_back(
    keys: Keys, dataset: str, tmp_path: Path, storage: Node
) -> None:
    (tmp_path / "file").write_bytes(b"content")
    storage.run("systemctl stop ceph-radosgw.target")
    try:
        refused = keys.run("upload", dataset, str(tmp_path / "file"), check=False)
    finally:
        storage.run("systemctl start ceph-radosgw.target")
    assert (refused.rc, "cannot be reached" in refused.output) == (1, True)
    wait_until("it is back", lambda: keys.run("list", check=False).rc, lambda rc: rc == 0, seconds=60)
    assert keys.facts("upload", dataset, str(tmp_path / "file"))["new"]


def test_a_file_that_is_damaged_in_the_store_is_named_and_the_others_are_kept(
    keys: Keys, dataset: str, tmp_path: Path, storage: Node
) -> None:
    (tmp_path / "source").mkdir()
    for name in ("good", "bad"):
        (tmp_path / "source" / name).write_bytes(name.encode() * 1000)
    keys.run("upload", dataset, str(tmp_path / "source"))
    # One is the object's index of versions, the other the version itself.
    names = raw_objects(storage, hashlib.sha256(b"bad" * 1000).hexdigest())
    (raw,) = (name for name in names if "__:" in name)
    storage.run(f"head -c 3000 /dev/zero | rados --pool {POOL} put '{raw}' -")

    for words in (("download", dataset, str(tmp_path / "back")), ("verify", dataset)):
        refused = keys.run(*words, check=False)
        assert refused.rc == 1
        assert "damaged in the store: bad" in refused.output
    assert [one.name for one in (tmp_path / "back").iterdir() if one.is_file()] == ["good"]


def test_parts_can_be_sent_by_who_has_an_address_and_no_key(lab: Lab, keys: Keys, dataset: str, tmp_path: Path) -> None:
    """As the portal will have browsers do it."""
    bucket = keys.bucket()
    write_parts(tmp_path / "file", 2)
    (file,) = read_tree(tmp_path / "file", Quiet())
    key = blob_key(file.sha256)
    begun, parts = blobs.begin(bucket, file)
    trusted = ssl.create_default_context(cafile=lab.site.state_dir / "ca.crt")
    with httpx.Client(verify=trusted, timeout=60) as browser, file.file.open("rb") as stream:
        for part in parts:
            answer = browser.put(bucket.part_url(key, begun, part.number), content=stream.read(part.size))
            assert answer.status_code == 200
        assert browser.get(bucket.part_url(key, begun, 1)).status_code == 403
    bucket.finish(key, begun, parts)
    done = upload(bucket, dataset, tmp_path / "file", creator="test")
    assert (done.new, done.sent_bytes) == (True, 0)
    assert [found for found, _ in bucket.begun(BLOBS)] == []
    assert Catalog(bucket).versions(dataset) == [done.published]


def test_a_part_that_was_cut_off_leaves_nothing_behind(
    lab: Lab, keys: Keys, dataset: str, tmp_path: Path, storage: Node
) -> None:
    bucket, before = keys.bucket(), stored_bytes(storage)
    write_parts(tmp_path / "file", 2)
    (file,) = read_tree(tmp_path / "file", Quiet())
    key = blob_key(file.sha256)
    begun, parts = blobs.begin(bucket, file)
    trusted = ssl.create_default_context(cafile=lab.site.state_dir / "ca.crt")

    def cut_off() -> Iterator[bytes]:
        yield bytes(parts[0].size - 1)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        httpx.put(
            bucket.part_url(key, begun, 1),
            content=cut_off(),
            headers={"Content-Length": str(parts[0].size)},
            verify=trusted,
            timeout=60,
        )
    keys.run("upload", dataset, str(tmp_path / "file"))
    keys.run("delete", dataset, "--version", "1", role="manager")
    assert 0 <= stored_bytes(storage) - before < parts[0].size
