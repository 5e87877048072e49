"""Wrappers around ssh and sftp that note each call, for the callback plugin ``round_trips``."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.e2e.support.checkout import ROOT

# ssh has the host before the remote command, sftp at the end. Ansible's test for ControlPersist has two arguments only.
_WRAPPER = """\
#!/bin/sh
if [ $# -gt 2 ]; then
  for word; do before=$last; last=$word; done
  if [ {program} = sftp ]; then before=${{last#[}}; before=${{before%]}}; fi
  echo "$(date +%s.%N) $before" >>{calls}
fi
exec {real} "$@"
"""


def counting_environment(folder: Path) -> dict[str, str]:
    """Environment in which a run of ansible-playbook counts its round trips into a fresh ``folder``."""
    folder.mkdir(parents=True)
    for program in ("ssh", "sftp"):
        wrapper = folder / program
        wrapper.write_text(_WRAPPER.format(program=program, calls=folder / "calls", real=shutil.which(program)))
        wrapper.chmod(0o755)
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "plugins" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "round_trips",
        "AMALGAM_ROUND_TRIPS": str(folder),
        "ANSIBLE_SSH_EXECUTABLE": str(folder / "ssh"),
        "ANSIBLE_SFTP_EXECUTABLE": str(folder / "sftp"),
    }
