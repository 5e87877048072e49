"""Lines into the log, through the agent of this host: it answers when they are on disk.

https://docs.victoriametrics.com/victorialogs/data-ingestion/#json-stream-api
"""

from __future__ import annotations

import http.client
from urllib.parse import urlencode, urlsplit

from cluster_state.delivery import DeliveryError

_SECONDS = 10


class LogStore:
    """The agent at a URL."""

    def __init__(self, url: str, cluster: str) -> None:
        """Lines are those of the stream ``events`` of a cluster."""
        self._address = urlsplit(url).netloc
        asked = {
            "_time_field": "time",
            "_msg_field": "message",
            "_stream_fields": "cluster,log,kubernetes.pod_namespace",
            "extra_fields": f"cluster={cluster},log=events",
        }
        self._target = f"/insert/jsonline?{urlencode(asked, safe=',=')}"

    def deliver(self, content: bytes) -> None:
        """Hand over objects in JSON, one on each line.

        Raises:
            DeliveryError: they were not taken.
        """
        connection = http.client.HTTPConnection(self._address, timeout=_SECONDS)
        try:
            connection.request("POST", self._target, body=content, headers={"Content-Type": "application/stream+json"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryError(f"{self._address}: {error!r}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise DeliveryError(f"{self._address} answers {answer.status}")
