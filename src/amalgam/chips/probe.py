"""The shell commands that a host is asked with, in one round trip: what they print, :mod:`amalgam.chips.host` reads."""

from __future__ import annotations

import shlex

_EVERY_HOST = """\
echo "kernel $(uname -r)"
for device in "$root"/sys/bus/pci/devices/*; do
  [ ! -e "$device" ] || echo "pci ${device##*/} $(cat "$device/class" "$device/vendor" "$device/device" | tr '\\n' ' ')"
done
# Each is named after what was installed from a file of the site's, and has that file's checksum.
for mark in "$root"/var/lib/amalgam/accelerators/*; do
  [ ! -f "$mark" ] || echo "installed ${mark##*/} $(cat "$mark")"
done
"""
_OF_KIND = {
    "": "",
    "nvidia": """\
[ ! -r "$root/sys/module/nvidia/version" ] || echo "driver $(cat "$root/sys/module/nvidia/version")"
! command -v gcc >/dev/null || ! command -v make >/dev/null || echo "remark compiler"
[ ! -e "$root/lib/modules/$(uname -r)/build" ] || echo "remark headers"
[ ! -e "$root/sys/module/nouveau" ] || echo "remark nouveau"
""",
    "ascend": """\
ascend=$root/usr/local/Ascend
[ ! -r "$ascend/driver/version.info" ] ||
  sed -n 's/^Version=/driver /p; s/^compatible_version_fw=/firmware_of_driver /p' "$ascend/driver/version.info"
[ ! -r "$ascend/firmware/version.info" ] || sed -n 's/^Version=/firmware /p' "$ascend/firmware/version.info"
""",
}


def probe(accelerator: str, root: str = "") -> str:
    """Commands for a host with such chips, or with none by the inventory, which is the empty word.

    ``root`` stands before every path, for a host that lies in a folder.
    """
    return f"root={shlex.quote(root)}\n{_EVERY_HOST}{_OF_KIND[accelerator]}"
