"""Run as ``python3 -m cluster_state SETTINGS``."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from cluster_state.api import Api
from cluster_state.cache import Cache
from cluster_state.delivery import Courier, Feed
from cluster_state.events import PATH
from cluster_state.exposition import Exposition
from cluster_state.log_store import LogStore
from cluster_state.position import Position
from cluster_state.resources import RESOURCES
from cluster_state.server import server
from cluster_state.settings import Settings, read
from cluster_state.watching import Watcher


def exposition(settings: Settings) -> Exposition:
    """Watch all there is to watch."""
    api = Api(settings.servers, settings.ca_file, settings.token_file)
    caches = [(Watcher(api, resource.path, cache), cache) for resource in RESOURCES for cache in [Cache(resource)]]
    for watcher, _ in caches:
        watcher.start()
    return Exposition(caches, _events(settings, api) if settings.log_url else None)


def _events(settings: Settings, api: Api) -> tuple[Watcher, Courier]:
    position = Position(settings.position_file)
    feed = Feed(position.value)
    watcher = Watcher(api, PATH, feed)
    courier = Courier(feed.steps, LogStore(settings.log_url, settings.cluster).deliver, position)
    courier.start()
    watcher.start()
    return watcher, courier


def _end(failure: threading.ExceptHookArgs) -> None:
    """A thread that nobody expected to fail takes the program with it: systemd starts it again, whole."""
    sys.excepthook(failure.exc_type, failure.exc_value or failure.exc_type(), failure.exc_traceback)
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    """Run until the end of the service."""
    threading.excepthook = _end
    settings = read(Path(sys.argv[1]))
    server(settings.listen, exposition(settings)).serve_forever()


if __name__ == "__main__":
    main()
