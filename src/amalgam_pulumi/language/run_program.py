"""Run one Pulumi program; started by the language host as a file, in the project's own Python.

So it imports only the standard library and ``pulumi``. What to run comes as JSON on standard input.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

# Exit code: it failed, and the engine knows why.
TOLD = 32

# The SDK has the engine keep, with each resource, the whole stack on which it was declared: half of the state's file,
# which the engine writes anew for each resource. So many frames reach from the SDK into the program.
_FRAMES = 10


def main() -> int:
    """Set the SDK up for the engine that waits, and run the program in a stack."""
    settings: dict[str, Any] = json.load(sys.stdin)
    sys.stdin.close()
    # The folder of this file would let its neighbours hide the program's modules.
    program = Path(settings["program"])
    sys.path[0] = str(program if program.is_dir() else program.parent)
    try:
        import pulumi
        import pulumi.runtime
    except ImportError as error:
        sys.stderr.write(
            f"{sys.executable} has no Pulumi SDK ({error}). remedy: install pulumi and what the program "
            "imports into the project's virtual environment\n"
        )
        return 1
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            **{
                key: settings[key]
                for key in (
                    "project",
                    "stack",
                    "organization",
                    "root_directory",
                    "monitor",
                    "engine",
                    "parallel",
                    "dry_run",
                )
            }
        )
    )
    pulumi.runtime.config.set_all_config(settings["config"], settings["secret_keys"])
    sys.argv = [str(program), *settings["args"]]
    sys.tracebacklimit = _FRAMES
    try:
        asyncio.run(_run(program))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return TOLD
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        pulumi.log.error("the program failed:\n" + "".join(_users_traceback(error)))
        return TOLD
    return 0


async def _run(program: Path) -> None:
    import pulumi.runtime

    def run() -> None:
        runpy.run_path(str(program), run_name="__main__")

    await pulumi.runtime.run_in_stack(run)


def _users_traceback(error: BaseException) -> list[str]:
    """From the program's first own frame on."""
    del sys.tracebacklimit
    frames = traceback.extract_tb(error.__traceback__)
    own = next((index for index, frame in enumerate(frames) if frame.filename.startswith(sys.path[0])), 0)
    return [*traceback.format_list(frames[own:]), *traceback.format_exception_only(error)]


if __name__ == "__main__":
    sys.exit(main())
