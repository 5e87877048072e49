"""``simulated-chips``: run the device plugin, and give chips other readings."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import asdict, fields

from .machine import DOWN, HEALTHY, UNHEALTHY, UP, Machine, Readings

_WORDS = {"health": [HEALTHY, UNHEALTHY], "link": [UP, DOWN]}


def main() -> int:
    """Do what the command line says."""
    machine = Machine.read()
    arguments = _parser(machine).parse_args()
    if arguments.command == "plugin":
        _run_plugin(machine)
    elif arguments.command == "show":
        chips = [asdict(chip) | asdict(machine.readings()[chip.index]) for chip in machine.chips]
        sys.stdout.write(json.dumps({"resource": machine.resource, "chips": chips}, indent=1) + "\n")
    else:
        machine.change(arguments.chip, **{arguments.reading: arguments.value})
    return 0


def _parser(machine: Machine) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("simulated-chips", description="Chips of this node that are simulated.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("plugin", help="be the device plugin of this node's kubelet, until stopped")
    commands.add_parser("show", help="all chips with their readings, as JSON")
    for reading in fields(Readings):
        command = commands.add_parser(f"set-{reading.name.replace('_', '-')}", help="for one chip")
        command.set_defaults(reading=reading.name)
        command.add_argument("chip", type=int, choices=[chip.index for chip in machine.chips])
        if reading.name in _WORDS:
            command.add_argument("value", choices=_WORDS[reading.name])
        else:
            command.add_argument("value", type=int)
    return parser


def _run_plugin(machine: Machine) -> None:
    # The rest of the program does without the libraries that this needs.
    from .plugin import serve

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    serve(machine, stop)


if __name__ == "__main__":
    sys.exit(main())
