"""HTTPS inside a site: its authority alone is trusted, no proxy is asked, who is away for a moment is asked again."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from amalgam.on_host.program import HostError

ATTEMPTS = 3
TIMEOUT_S = 60
# A proxy's words for a server behind it that has just been started, or is being restarted.
_AWAY = frozenset({502, 503, 504})

_Read = TypeVar("_Read")


class Unreachable(HostError):  # noqa: N818 - said as it is read: "except Unreachable"
    """The server does not answer, or is not the site's."""


class Refused(HostError):  # noqa: N818 - as above
    """The server's answer is no."""

    def __init__(self, what: str, status: int) -> None:
        """``status`` is HTTP's."""
        super().__init__(what)
        self.status = status


class Server:
    """Whatever is served with a certificate of the site's authority."""

    def __init__(self, ca_path: Path) -> None:
        """Trust the authority whose certificate lies at ``ca_path``.

        Raises:
            Unreachable: nothing lies there.
        """
        if not ca_path.is_file():
            raise Unreachable(f"ca_path {ca_path} is not there; place the site's CA certificate first")
        self._ca_path = ca_path
        context = ssl.create_default_context(cafile=ca_path)
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
        self._opener = urllib.request.build_opener(*handlers)

    def ask(
        self,
        url: str,
        read: Callable[[http.client.HTTPResponse], _Read],
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> _Read:
        """What ``read`` makes of the answer; it starts over where the connection breaks, or nobody is behind it.

        Raises:
            Unreachable: no answer after some attempts, or a certificate that is not the site's.
            Refused: an answer that is an error.
        """
        request = urllib.request.Request(url, method=method, headers=dict(headers or {}))  # noqa: S310 - HTTPS, by callers
        attempt = 1
        while True:
            try:
                with self._opener.open(request, timeout=TIMEOUT_S) as response:
                    return read(response)
            except urllib.error.HTTPError as error:
                if attempt == ATTEMPTS or error.code not in _AWAY:
                    remedy = "look at what the server says of it, and at what it serves"
                    raise Refused(
                        f"{url}: the server answers {error.code} {error.reason}; {remedy}", error.code
                    ) from error
            except (OSError, http.client.HTTPException) as error:
                if attempt == ATTEMPTS or isinstance(getattr(error, "reason", None), ssl.SSLError):
                    remedy = f"check the server, and its certificate against {self._ca_path}"
                    raise Unreachable(f"{url}: {error}; {remedy}") from error
            time.sleep(attempt)
            attempt += 1
