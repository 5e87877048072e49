"""The cluster by kubectl, which knows every form of credentials that a kubeconfig may have."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amalgam.errors import AmalgamError

Object = dict[str, Any]
"""As the API describes it (https://kubernetes.io/docs/reference/kubernetes-api/)."""

_LAST_LINES = 6


class Kubectl:
    """Runs kubectl with the kubeconfig that it finds by itself (``$KUBECONFIG``, else ``~/.kube/config``)."""

    def __init__(self) -> None:
        """Find the program.

        Raises:
            AmalgamError: it is not installed.
        """
        found = shutil.which("kubectl")
        if found is None:
            remedy = "put the bundle's files/<architecture>/kubectl into a folder of PATH"
            raise AmalgamError("kubectl is not installed", where="PATH", remedy=remedy)
        self._program = found

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run it to its end and return what it says.

        Raises:
            AmalgamError: it ended non-zero; has the end of what it wrote.
        """
        command = [self._program, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = "\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:])
            remedy = "see that KUBECONFIG names a file that reaches the cluster, with the rights of an administrator"
            raise AmalgamError(said or f"ended with {done.returncode}", where=f"kubectl {arguments[0]}", remedy=remedy)
        return done.stdout

    def get(self, *arguments: str) -> Object | None:
        """The object that ``kubectl get`` finds; ``None`` where it is not there.

        Raises:
            AmalgamError: the cluster does not answer, or not to this user.
        """
        said = self.run("get", *arguments, "--ignore-not-found", "--output", "json")
        found: Object | None = json.loads(said) if said.strip() else None
        return found

    def list(self, *arguments: str) -> list[Object]:
        """The objects that ``kubectl get`` finds.

        Raises:
            AmalgamError: the cluster does not answer, or not to this user.
        """
        listed: list[Object] = json.loads(self.run("get", *arguments, "--output", "json"))["items"]
        return listed

    def create(self, described: Object) -> None:
        """Create an object.

        Raises:
            AmalgamError: it is there already, or is refused.
        """
        self.run("create", "--filename", "-", stdin=json.dumps(described))

    @contextmanager
    def lines(self, *arguments: str) -> Iterator[Iterator[str]]:
        """The lines of a command that goes on; it is ended when they are wanted no more."""
        command = [self._program, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                yield (line.rstrip("\n") for line in process.stdout or ())
            finally:
                process.kill()
