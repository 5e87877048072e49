"""A look-alike of ``hccn_tool``: whether the network port of a chip is up.

Source of the form: Huawei's hccn_tool interface reference.
"""

from __future__ import annotations

import argparse
import sys

from .machine import UP, Machine


def main() -> int:
    """Answer the command line."""
    parser = argparse.ArgumentParser("hccn_tool", description="A look-alike: this node's NPUs are simulated.")
    parser.add_argument("-i", dest="device", type=int, required=True)
    parser.add_argument("-link", action="store_true", required=True)
    parser.add_argument("-g", dest="get", action="store_true", required=True)
    device = parser.parse_args().device
    readings = Machine.read().readings()
    if device not in readings:
        parser.error(f"argument -i: this node has no device {device}")
    sys.stdout.write(f"link status: {'UP' if readings[device].link == UP else 'DOWN'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
