"""The platform's own policies let the platform's own pods in.

Seen here: device plugins that ran because they were older than the policies, and that no node added later would have
got. A namespace whose pods use their host is exempt from the policies, or its pods are refused.
"""

from __future__ import annotations

import re

from amalgam.models.platform import SYSTEM
from tests.contract.repository import files_below, text

_PRIVILEGED = re.compile(r"^ *pod-security\.kubernetes\.io/enforce: *privileged *$", re.MULTILINE)
_NAME = re.compile(r"^kind: Namespace\nmetadata:\n  name: (?P<name>\S+)$", re.MULTILINE)


def _privileged() -> dict[str, str]:
    """Namespace -> the template that makes it."""
    found = {}
    for file in files_below("roles"):
        for document in re.split(r"^---$", text(file), flags=re.MULTILINE) if "templates" in file.parts else ():
            if _PRIVILEGED.search(document):
                name = _NAME.search(document)
                assert name, f"{file}: a privileged namespace whose name is not its first line of metadata"
                found[name["name"]] = str(file)
    return found


def test_namespaces_whose_pods_use_their_host_are_the_systems() -> None:
    found = _privileged()
    assert {"device-plugins", "shared-volumes"} <= found.keys()
    assert {name: file for name, file in found.items() if name not in SYSTEM} == {}
