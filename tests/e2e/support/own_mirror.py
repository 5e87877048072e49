"""A pull-through mirror of a test's own on the registry's host: what it lacks, it fetches from the site's registry.

https://distribution.github.io/distribution/recipes/mirror/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.waiting import wait_until

_NAME = "amalgam-test-mirror"
_FOLDER = f"/var/tmp/{_NAME}"
# The firewall lets nodes in here, as to any daemon of Ceph; those take the first ports that are free, from 6800 on.
_PORT = 7299
# The mirror's way to the site's registry, which a test can close while the registry serves everybody else.
_WAY, _WAY_PORT = f"{_NAME}-way", 17299
_PKI = "/etc/amalgam/pki"


@dataclass(frozen=True)
class OwnMirror:
    """A second process of the registry's program, with a folder and a port of its own."""

    lab: Lab
    host: Node
    """Where the site's registry runs: its certificate serves the mirror, too."""

    @property
    def endpoint(self) -> str:
        """As nodes reach it."""
        return self._url(_PORT)

    def start(self, user: str, password: str) -> None:
        """Start it, empty, and wait until it answers; it logs in to the site's registry, and nobody logs in to it.

        Without a login it would get nothing, not even of a public project: the program asks ``/v2/`` whether it has to
        log in, and the site's registry always says so.

        Raises:
            AssertionError: it runs already, or does not answer.
        """
        forward = f"/lib/systemd/systemd-socket-proxyd {self.lab.registry}"
        run = "systemd-run --quiet --collect --unit"
        self.host.run(f"{run} {_WAY} --socket-property ListenStream=0.0.0.0:{_WAY_PORT} {forward}")
        file = f"{_FOLDER}/registry.yml"
        settings = json.dumps(self._settings(user, password))
        self.host.run(f"umask 077; mkdir {_FOLDER} && cat >{file}", stdin=settings)
        environment = f"--setenv SSL_CERT_FILE={_PKI}/ca.crt --setenv OTEL_TRACES_EXPORTER=none"
        self.host.run(f"{run} {_NAME} {environment} /usr/local/bin/registry serve {file}")
        wait_until("the mirror answers", lambda: self._answers(_PORT), seconds=30)

    def cut_off(self) -> None:
        """Close its way to the site's registry.

        Raises:
            AssertionError: there was none, or it is still open.
        """
        assert self._answers(_WAY_PORT)
        self.host.run(f"systemctl stop {_WAY}.socket {_WAY}.service")
        assert not self._answers(_WAY_PORT)

    def blobs(self) -> set[str]:
        """Digests of all that it keeps."""
        found = self.host.run(f"find {_FOLDER} -path '*/blobs/sha256/*' -name data").stdout
        return {f"sha256:{path.split('/')[-2]}" for path in found.split()}

    def remove(self) -> None:
        """Take it away with all that it kept."""
        for command in (f"systemctl stop {_NAME} {_WAY}.socket {_WAY}.service", f"rm -rf {_FOLDER}"):
            self.host.run(command, check=False)

    def _url(self, port: int) -> str:
        return f"https://{self.lab.registry.partition(':')[0]}:{port}"

    def _answers(self, port: int) -> bool:
        ask = f"curl --silent --output /dev/null --cacert {_PKI}/ca.crt {self._url(port)}/v2/"
        return self.host.run(ask, check=False).rc == 0

    def _settings(self, user: str, password: str) -> dict[str, Any]:
        certificate = {"certificate": f"{_PKI}/bundle-server.crt", "key": f"{_PKI}/bundle-server.key"}
        return {
            "version": "0.1",
            "log": {"accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": f"{_FOLDER}/storage"}},
            "proxy": {"remoteurl": self._url(_WAY_PORT), "username": user, "password": password},
            "http": {"addr": f":{_PORT}", "tls": certificate},
        }
