"""ceph-csi is where a site has chosen it, and the other provisioner is not there then."""

from __future__ import annotations

from tests.e2e.support.cluster import Cluster
from tests.testinfra.site_facts import SiteFacts

PROVISIONERS = {
    "ceph_csi": ("ceph-csi", "cephfs.csi.ceph.com"),
    "local_path": ("shared-volumes", "shared-volumes/shared"),
}
"""Namespace, and the name that storage classes have."""


def test_the_cluster_has_the_provisioner_that_was_chosen_and_no_other(cluster: Cluster, facts: SiteFacts) -> None:
    has_classes = any(part.storage_class for part in facts.site.subvolumes)
    wanted = {PROVISIONERS[facts.site.volumes_provisioner]} if has_classes else set()
    namespaces = {one["metadata"]["name"] for one in cluster.get("namespaces")["items"]}
    classes = {one["provisioner"] for one in cluster.get("storageclass")["items"]}
    assert {one for one in PROVISIONERS.values() if one[0] in namespaces} == wanted
    assert {one for one in PROVISIONERS.values() if one[1] in classes} == wanted
