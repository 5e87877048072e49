"""Filters for the roles of chips: a shim over :mod:`amalgam.chips.host` and :mod:`amalgam.chips.probe`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from amalgam.chips.host import lacking, read_host, refusals
from amalgam.chips.probe import probe
from amalgam.chips.table import kind_of


def accelerator_probe(accelerator: str) -> str:
    """Shell commands that ask a host."""
    return probe(str(accelerator))


def accelerator_host(answer: str, accelerator: str, supplied: str) -> dict[str, list[str]]:
    """Why the host is refused, and what is to be installed; ``supplied`` is JSON, name to file (path, sha256)."""
    host, files = read_host(str(answer)), json.loads(supplied)
    given = {name: str(file["sha256"]) for name, file in files.items() if file}
    return {"refusals": refusals(kind_of(str(accelerator)), host, given), "lacking": lacking(host, given)}


def managed_accelerators(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> dict[str, list[str]]:
    """Hosts by the chips they have, without those whose software is somebody else's."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        facts = hostvars[host]
        accelerator = str(facts.get("accelerator", ""))
        if accelerator and str(facts.get("accelerator_software", "managed")) == "managed":
            found.setdefault(accelerator, []).append(str(host))
    return found


def nodes_without_chips(answer: str, nodes: Mapping[str, Iterable[str]], ready: Iterable[str]) -> list[str]:
    """Those of the ``ready`` among the ``nodes`` (by their chips) that offer none, by the list that kubectl gives."""
    offers = {item["metadata"]["name"]: item["status"].get("allocatable", {}) for item in json.loads(answer)["items"]}
    wanted = {str(host): kind_of(str(kind)).resource for kind, hosts in nodes.items() for host in hosts}
    return sorted(host for host in map(str, ready) if int(offers.get(host, {}).get(wanted[host], 0)) == 0)


class FilterModule:
    """Ansible's way to find the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {
            "accelerator_probe": accelerator_probe,
            "accelerator_host": accelerator_host,
            "managed_accelerators": managed_accelerators,
            "nodes_without_chips": nodes_without_chips,
        }
