"""What ``amalgam volume`` does, by whatever provides the cluster's volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from amalgam.volumes import restore, snapshots
from amalgam.volumes.csi import DRIVER, CephCsi
from amalgam.volumes.helper import Helper
from amalgam.volumes.kubectl import Kubectl


class Provisioner(Protocol):
    """Snapshots of claims, and claims from snapshots."""

    def find(self, namespace: str = "", claim: str = "") -> Sequence[snapshots.Snapshot]:
        """Every snapshot, or those of one namespace or claim."""

    def create(self, namespace: str, claim: str, name: str) -> None:
        """Keep a volume as it is now, under a name."""

    def delete(self, namespace: str, claim: str, name: str) -> None:
        """Delete a snapshot."""

    def restore(self, namespace: str, source: str, claim: str, watch: restore.Watch) -> None:
        """Make a claim of the snapshot ``source`` (CLAIM/SNAPSHOT)."""


class LocalPath:
    """By helper pods on the shared file system."""

    def __init__(self, kubectl: Kubectl) -> None:
        """Read how helper pods are made.

        Raises:
            AmalgamError: the cluster has no provisioner.
        """
        self._helper = Helper(kubectl)

    def find(self, namespace: str = "", claim: str = "") -> Sequence[snapshots.Snapshot]:
        """As the protocol says."""
        return snapshots.find(self._helper, namespace=namespace, claim=claim).snapshots

    def create(self, namespace: str, claim: str, name: str) -> None:
        """As the protocol says."""
        snapshots.create(self._helper, namespace, claim, name)

    def delete(self, namespace: str, claim: str, name: str) -> None:
        """As the protocol says."""
        snapshots.delete(self._helper, namespace, claim, name)

    def restore(self, namespace: str, source: str, claim: str, watch: restore.Watch) -> None:
        """As the protocol says."""
        restore.restore(self._helper, namespace, source, claim, watch)


def provisioner_of(kubectl: Kubectl) -> Provisioner:
    """The one that the cluster has.

    Raises:
        AmalgamError: it has none, or does not answer.
    """
    return CephCsi(kubectl) if kubectl.get("csidriver", DRIVER) else LocalPath(kubectl)
