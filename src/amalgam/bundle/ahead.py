"""What programs to come need of Go, done beside the build: a linker keeps one processor busy, a download none.

What it leaves is in Go's own caches, where ``go build`` finds it.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType

from amalgam.bundle.programs import Programs
from amalgam.pins import Arch


class Ahead:
    """Downloads the modules of ``wanted``, and compiles their packages, in that order; ends with its ``with`` block.

    A failure is left to the build, which meets it again and tells of it.
    """

    def __init__(self, programs: Programs, wanted: Sequence[tuple[str, Arch]]) -> None:
        """Begin with the first."""
        self._programs = programs
        self._downloads = ThreadPoolExecutor(1)
        self._compiles = ThreadPoolExecutor(1)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._over = False
        self._lock = threading.Lock()
        self._compiled: dict[tuple[str, Arch], Future[None]] = {}
        for program, arch in wanted:
            downloaded = self._downloads.submit(self._list, program, arch, compiled=False)
            self._compiled[program, arch] = self._compiles.submit(self._compile, downloaded, program, arch)

    def __enter__(self) -> Ahead:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs."""
        with self._lock:
            self._over = True
            for process in self._running:
                process.terminate()
        for workers in (self._downloads, self._compiles):
            workers.shutdown(cancel_futures=True)

    def wait(self, program: str, arch: Arch) -> None:
        """Return once the packages of one of ``wanted`` are compiled: two compilers at once would do the same twice."""
        wait([self._compiled[program, arch]])

    def _compile(self, downloaded: Future[None], program: str, arch: Arch) -> None:
        # Raises where the build ended before: for one that was cancelled so, `wait` would wait forever.
        downloaded.exception()
        self._list(program, arch, compiled=True)

    def _list(self, program: str, arch: Arch, *, compiled: bool) -> None:
        call = self._programs.listing(program, arch, compiled=compiled)
        if call is None:
            return
        with self._lock:
            if self._over:
                return
            process = subprocess.Popen(
                call.command,
                cwd=call.folder,
                env=call.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._running.add(process)
        process.wait()
        with self._lock:
            self._running.remove(process)
