"""Rights by role, for the own VC and those that the site's data names; keys that follow from the site's secret."""

from __future__ import annotations

import base64
from fnmatch import fnmatch

from amalgam.ceph_keys import ceph_key
from amalgam.datasets.layout import Role, blob_key, dataset_key, draft_key, manifest_key
from amalgam.datasets.policy import accounts, buckets, owner_account, vc_account
from amalgam.models.datasets import VcDatasets

SECRET = base64.b64encode(bytes(range(32))).decode()
VCS = [VcDatasets(vc="vision", quota_gib=4, readers=["nlp"]), VcDatasets(vc="nlp", quota_gib=1)]


def _allowed(bucket: int, account: str) -> set[str]:
    statements = buckets(VCS)[bucket].policy["Statement"]
    principal = f"arn:aws:iam:::user/{account}"
    return {
        action
        for one in statements
        if one["Effect"] == "Allow" and principal in one["Principal"]["AWS"]
        for action in one["Action"]
    }


def test_each_role_may_what_its_name_says() -> None:
    reader, member, manager = (_allowed(0, f"datasets-vision-{role}") for role in Role)
    assert "s3:GetObjectVersion" in reader
    assert not any("Put" in action or "Delete" in action for action in reader)
    assert "s3:PutObject" in member - reader
    assert not any("Delete" in action or "Abort" in action for action in member)
    assert manager - member == {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"}
    assert not any("Policy" in action or "Versioning" in action or "Acl" in action for action in manager)


def test_another_vc_reads_only_where_it_is_named_and_never_more() -> None:
    assert _allowed(0, "datasets-nlp-manager") == _allowed(0, "datasets-vision-reader")
    assert _allowed(1, "datasets-vision-manager") == set()


def test_a_manager_removes_no_manifest_for_good() -> None:
    (deny,) = (one for one in buckets(VCS)[0].policy["Statement"] if one["Effect"] == "Deny" and "Principal" in one)
    assert deny["Principal"]["AWS"] == ["arn:aws:iam:::user/datasets-vision-manager"]
    assert deny["Action"] == ["s3:DeleteObjectVersion"]
    (pattern,) = deny["Resource"]
    assert fnmatch(f"arn:aws:s3:::datasets-vision/{manifest_key('flowers', 7)}", pattern)
    for key in (blob_key("0" * 64), dataset_key("flowers"), draft_key("flowers", "0" * 32)):
        assert not fnmatch(f"arn:aws:s3:::datasets-vision/{key}", pattern)


def test_whoever_is_not_named_is_refused_whatever_an_object_itself_allows() -> None:
    (deny,) = (one for one in buckets(VCS)[1].policy["Statement"] if "NotPrincipal" in one)
    assert deny["Action"] == ["s3:*"]
    assert set(deny["NotPrincipal"]["AWS"]) == {
        f"arn:aws:iam:::user/{name}"
        for name in ("datasets", "datasets-nlp-reader", "datasets-nlp-member", "datasets-nlp-manager")
    }


def test_no_two_accounts_share_a_key_and_none_is_a_key_of_the_cluster() -> None:
    made = [owner_account(SECRET), *accounts(VCS, SECRET)]
    assert len({one.access_key for one in made} | {one.secret_key for one in made}) == 2 * len(made) == 14
    assert all(len(one.access_key) == 20 and len(one.secret_key) == 40 for one in made)
    assert not any(one.secret_key in ceph_key(SECRET, "client.admin") for one in made)


def test_only_the_owner_may_make_buckets() -> None:
    assert owner_account(SECRET).max_buckets == 0
    assert {one.max_buckets for one in accounts(VCS, SECRET)} == {-1}


def test_a_new_generation_changes_the_keys_and_the_same_one_never_does() -> None:
    next_one = VCS[0].model_copy(update={"key_generation": 2})
    before, after = (vc_account(vc, Role.MEMBER, SECRET) for vc in (VCS[0], next_one))
    assert before == vc_account(VCS[0], Role.MEMBER, SECRET)
    assert before.access_key != after.access_key
    assert before.secret_key != after.secret_key


def test_a_quota_is_in_bytes() -> None:
    assert [one.quota_bytes for one in buckets(VCS)] == [4 << 30, 1 << 30]
