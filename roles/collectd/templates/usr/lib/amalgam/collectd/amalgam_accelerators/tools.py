"""Runs the vendors' tools: they hang, they are not there, and they print more than anybody asked for."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import IO

from .readings import MISSING, OUTPUT, STATUS, TIMEOUT, ReadError

# The driver of Ascend chips has its tools in a folder of its own.
SEARCH_PATH = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/Ascend/driver/tools"
LONGEST_OUTPUT = 1024 * 1024
_LAST_SECONDS = 1.0


@dataclass(frozen=True)
class Answer:
    """What a tool printed, and whether it says that all was well."""

    text: str
    status: int

    def lines(self) -> list[str]:
        """Its whole lines: one without an end was cut off, maybe in the middle of a number."""
        lines = self.text.splitlines(keepends=True)
        return [line.rstrip("\r\n") for line in lines if line.endswith("\n")]

    def require_success(self) -> Answer:
        """Itself.

        Raises:
            ReadError: the tool ended badly.
        """
        if self.status != 0:
            raise failed_status(self)
        return self


def failed_status(answer: Answer) -> ReadError:
    """The failure of a tool that ended badly, with the first thing that it said."""
    said = next((line.strip() for line in answer.text.splitlines() if line.strip()), "nothing")
    return ReadError(STATUS, f"exit status {answer.status}: {said[:200]}")


@dataclass
class Tool:
    """One program, of which no second runs while a first cannot be ended: a driver that hangs does not let it go."""

    name: str
    timeout: float = 8.0
    search_path: str = SEARCH_PATH
    _stuck: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def run(self, *arguments: str) -> Answer:
        """Run it with these arguments.

        Raises:
            ReadError: it is not there, did not end in time, or printed without end.
        """
        if self._stuck is not None and self._stuck.poll() is None:
            raise ReadError(TIMEOUT, f"{self.name} hangs, and cannot be killed")
        self._stuck = None
        program = self._program()
        if program is None:
            raise ReadError(MISSING, f"{self.name} is not there")
        try:
            process = subprocess.Popen(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=os.environ | {"LC_ALL": "C", "PATH": self.search_path},
                start_new_session=True,
            )
        except OSError as error:
            raise ReadError(MISSING, f"{self.name} does not start: {error}") from error
        assert process.stdout is not None  # noqa: S101 - it was asked for
        with process.stdout as pipe:
            try:
                return self._wait(process, pipe)
            finally:
                self._end(process)

    def is_there(self) -> bool:
        """Whether it is installed."""
        return self._program() is not None

    def _program(self) -> str | None:
        return shutil.which(self.name, path=self.search_path)

    def _wait(self, process: subprocess.Popen[bytes], pipe: IO[bytes]) -> Answer:
        deadline = time.monotonic() + self.timeout
        output = b""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                part = os.read(pipe.fileno(), 65536)
                output += part
                if len(output) > LONGEST_OUTPUT:
                    raise ReadError(OUTPUT, f"{self.name} prints without end")
                if not part:
                    return self._answer(process, output, deadline)
        raise self._too_late()

    def _answer(self, process: subprocess.Popen[bytes], output: bytes, deadline: float) -> Answer:
        try:
            status = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise self._too_late() from error
        return Answer(output.decode("utf-8", "replace"), status)

    def _too_late(self) -> ReadError:
        return ReadError(TIMEOUT, f"{self.name} did not end within {self.timeout:g} s")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End it with all that it started."""
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LAST_SECONDS)
            if process.returncode is None:
                self._stuck = process
