"""What collectd calls: dispatches what is known of each bucket as ``bucket-NAME/bucket_used`` and ``bucket_quota``.

Source: collectd-python(5).
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import collectd

from .gateway import Gateway, GatewayError

_SECONDS = 60.0
_TIMEOUT = 8.0


class Collector:
    """Asks for every bucket when collectd says so."""

    def __init__(self, gateway: Gateway) -> None:
        """Nothing was said yet."""
        self._gateway = gateway
        self._said = ""

    def read(self) -> None:
        """All buckets; after the first that fails the others wait for the next time."""
        try:
            for bucket in self._gateway.buckets():
                for name, value in self._gateway.measured(bucket).items():
                    collectd.Values(
                        plugin="bucket", plugin_instance=bucket, type=f"bucket_{name}", values=[value]
                    ).dispatch()
        except (GatewayError, OSError) as failure:
            # Every minute the same would fill the journal.
            if str(failure) != self._said:
                collectd.warning(f"buckets: {failure}")
            self._said = str(failure)
        else:
            self._said = ""


def configure(block: Any) -> None:  # noqa: ANN401 - collectd's own
    """Take in the ``<Module>`` block with its one key ``Folder``."""
    (folder,) = (Path(child.values[0]) for child in block.children)
    collectd.register_read(Collector(Gateway(folder, _TIMEOUT)).read, _SECONDS, name="buckets")


def start() -> None:
    """Learn how curl ends: a daemon that ignores its children is told of none."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


collectd.register_config(configure)
collectd.register_init(start)
