"""The one setting of the machine's kernel that a lab needs changed."""

from __future__ import annotations

from pathlib import Path

INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH = 2048
"""Every systemd, kubelet and containerd holds some, and the kernel counts those of all nodes as root's."""


def allow_inotify_instances(setting: Path = INOTIFY_INSTANCES) -> bool:
    """Raise the limit of inotify instances for each user where it is too low for a lab; whether it was.

    It is not lowered again: another lab may live on it, and a higher limit costs nothing.
    """
    if int(setting.read_text()) >= ENOUGH:
        return False
    setting.write_text(f"{ENOUGH}\n")
    return True
