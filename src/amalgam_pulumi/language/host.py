"""The calls of the engine's language protocol that a Python project needs.

Source: ``proto/pulumi/language.proto`` of the Pulumi SDK.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from amalgam_pulumi.language import run_program

NO_INSTALL = (
    "this language host installs no packages. remedy: install the project's Python packages into its virtual "
    "environment (on a site: from the bundle's wheels), then run `pulumi up`"
)


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs each program as a process of its own in the project's environment, so that tracebacks are the user's."""

    def __init__(self, engine: str) -> None:
        """Remember the engine's address, which programs log to."""
        self._engine = engine
        self._lock = threading.Lock()
        self._programs: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, request: Any, context: Any) -> Any:
        """Take the engine's address where it was not an argument."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """None: the SDK names plugin and version with every resource."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        """None, for the same reason."""
        return language_pb2.GetRequiredPluginsResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """No version of its own: it is a part of this project."""
        return plugin_pb2.PluginInfo(version="")

    def About(self, request: Any, context: Any) -> Any:
        """Which Python runs the project."""
        python = python_of(request.info)
        version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
        return language_pb2.AboutResponse(executable=python, version=version)

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        """The distributions installed in the project's environment."""
        listing = (
            "import importlib.metadata as m,json;print(json.dumps([[d.name,d.version] for d in m.distributions()]))"
        )
        result = subprocess.run([python_of(request.info), "-c", listing], capture_output=True, text=True, check=True)
        found = [language_pb2.DependencyInfo(name=name, version=version) for name, version in json.loads(result.stdout)]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """Refused: nothing is downloaded here."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, NO_INSTALL)

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        """Nothing to ask."""
        return language_pb2.RuntimeOptionsResponse()

    def Run(self, request: Any, context: Any) -> Any:
        """Run a project's program; it registers resources with the engine by itself.

        Returns a response with ``error`` where it failed, or with ``bail`` where the engine has been told why already.
        """
        command = [python_of(request.info), "-u", run_program.__file__]
        try:
            program = subprocess.Popen(
                command, cwd=request.info.program_directory or request.pwd, stdin=subprocess.PIPE, env=os.environ
            )
        except OSError as error:
            return language_pb2.RunResponse(error=f"cannot start {command[0]}: {error.strerror}")
        with self._lock:
            self._programs.add(program)
        # Through a pipe: the configuration has secrets, which arguments and the environment would show to others.
        program.communicate(json.dumps(self._settings(request)).encode())
        with self._lock:
            self._programs.discard(program)
        if program.returncode == run_program.TOLD:
            return language_pb2.RunResponse(bail=True)
        if program.returncode:
            return language_pb2.RunResponse(error=f"the program ended with exit code {program.returncode}")
        return language_pb2.RunResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        """End the programs that still run."""
        self.end_programs()
        return empty_pb2.Empty()

    def end_programs(self) -> None:
        """Ask every program that still runs to end."""
        with self._lock:
            for program in self._programs:
                program.terminate()

    def _settings(self, request: Any) -> dict[str, Any]:
        return {
            "program": str(Path(request.info.program_directory or request.pwd) / request.info.entry_point),
            "args": list(request.args),
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "root_directory": request.info.root_directory,
            "monitor": request.monitor_address,
            "engine": self._engine,
            "parallel": request.parallel or None,
            "dry_run": request.dryRun,
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
        }


def python_of(info: Any) -> str:
    """The Python of a project's ``virtualenv`` option; else of the active environment; else this one's.

    Args:
        info: the engine's ``ProgramInfo``.
    """
    options = info.options.fields
    named = options["virtualenv"].string_value if "virtualenv" in options else os.environ.get("VIRTUAL_ENV", "")
    return str(Path(info.root_directory) / named / "bin" / "python") if named else sys.executable
