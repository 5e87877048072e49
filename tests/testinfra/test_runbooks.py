"""What runbooks have people run on a host can be run there."""

from __future__ import annotations

import re
from pathlib import PurePath

from tests.testinfra.conftest import Connect
from tests.testinfra.site_facts import ROOT, SiteFacts

_PROGRAM = re.compile(r"""^ssh [A-Z]+ ['"]?(\S+)(.*)$""", re.MULTILINE)
# Of the chips' makers: where there are none, neither are these.
_MAKERS = {"hccn_tool", "npu-smi", "nvidia-smi"}


def test_programs_that_runbooks_run_on_hosts_are_there(connect: Connect, facts: SiteFacts) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "runbooks").glob("*.md"))
    named = {program for program, rest in _PROGRAM.findall(pages) if "where it is installed" not in rest} - _MAKERS
    assert {"ceph", "ctr", "journalctl"} <= named
    command = f"command -v {' '.join(sorted(named))}"
    there = {PurePath(path).name for name in facts.names() for path in connect(name).run(command).stdout.split()}
    assert named - there == set()
