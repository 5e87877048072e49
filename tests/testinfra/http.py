"""HTTP as a host sees it, with curl."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.site_facts import CA

# https://curl.se/libcurl/c/libcurl-errors.html
UNKNOWN_AUTHORITY = 60
HANDSHAKE_FAILED = 35


def status(host: Host, url: str, *options: str, ca: str = CA) -> str:
    """Status code of the answer to a request with curl's ``options``; ``000`` when there was none."""
    words = " ".join(["%s"] * len(options))
    command = f"curl --silent --max-time 20 --output /dev/null --write-out %s --cacert %s {words} %s"
    return str(host.run(command, "%{http_code}", ca, *options, url).stdout)


def refusal_of_old_tls(host: Host, url: str, *, ca: str = CA) -> int:
    """What curl ends with when it offers TLS 1.1 at the most."""
    return int(host.run("curl --silent --max-time 20 --cacert %s --tls-max 1.1 %s", ca, url).rc)
