"""What there has to be by the inventory, as rules: what is gone altogether cannot be missed by what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

NODE, JOB = "inventory:node:info", "inventory:job:info"

# Besides those that are read by the hosts' gateways; prometheus.yml.j2 of the role prometheus has them at every site.
_OF_KUBERNETES = ("apiserver", "cadvisor", "kubelet")


def expected_rules(targets: Iterable[Mapping[str, Any]], nodes: Sequence[str]) -> str:
    """A file of rules that name each job with hosts, and each node.

    Args:
        targets: each a ``job`` and its ``hosts``.
        nodes: names of the hosts that are to be nodes of the cluster.
    """
    jobs = sorted({*_OF_KUBERNETES, *(target["job"] for target in targets if target["hosts"])})
    rules = [*_named(JOB, "job", jobs), *_named(NODE, "node", sorted(nodes))]
    return yaml.safe_dump({"groups": [{"name": "inventory", "rules": rules}]}, sort_keys=False)


def _named(record: str, label: str, names: Iterable[str]) -> list[dict[str, Any]]:
    return [{"record": record, "expr": "vector(1)", "labels": {label: name}} for name in names]
