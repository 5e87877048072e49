"""Filter ``site_table``: a shim over :mod:`amalgam.summary`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amalgam.chips.host import in_words, read_host
from amalgam.chips.pci import recognise
from amalgam.summary import HostSummary, roles_of, table


def site_table(
    hostvars: Mapping[str, Any], groups: Mapping[str, list[str]], done: list[str], versions: list[str]
) -> list[str]:
    """Lines of a table over all hosts.

    Args:
        hostvars: Ansible's variables of every host; ``site_unnamed_chips`` is what the probe of a worker without an
            ``accelerator`` said.
        groups: Ansible's groups.
        done: hosts that finished the run.
        versions: ``NODE VERSION ...`` lines, one for each node of the cluster.
    """
    kubelets = {words[0]: words[1] for line in versions if len(words := line.split()) > 1}
    return table(
        HostSummary(
            name=host,
            role=roles_of(host, groups),
            architecture=hostvars[host].get("architecture", "amd64"),
            address=hostvars[host].get("ansible_host", host),
            version=kubelets.get(host, ""),
            state=_state(hostvars[host]) if host in done else "not reached or failed: see above",
        )
        for host in groups["all"]
    )


def _state(facts: Mapping[str, Any]) -> str:
    # Chips that nobody looks after stand idle, and nothing else says so. In few words: a longer line is broken.
    chips = in_words(recognise(read_host(facts.get("site_unnamed_chips", {}).get("stdout", "")).devices))
    return f"ready; {chips} not in hosts.yml" if chips else "ready"


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"site_table": site_table}
