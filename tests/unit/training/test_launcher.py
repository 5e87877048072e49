"""The shell program that every worker runs, by this machine's own sh: ranks, roles, restarts, signals."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from amalgam.paths import project_root
from amalgam.training.parameters import TrainingJob
from amalgam.training.render import render
from tests.e2e.support.ports import reserved

# Writes what it finds, by its role and rank.
_TELL = """
import json, os
name = os.environ.get("MS_ROLE") or os.environ.get("DMLC_ROLE") or "process"
with open(f"{os.environ['TOLD']}/{name}-{os.environ.get('RANK', 'x')}-{os.getpid()}", "w") as file:
    json.dump(dict(os.environ), file)
os.write(1, b"told\\n")
"""


@dataclass
class Worker:
    """One worker's container; its state survives from start to start, as in a pod."""

    folder: Path
    run_folder: str = "run"
    port: str = "29500"
    moved: dict[str, Path] = field(default_factory=dict)
    """Path of the image or of a volume -> where it is here."""
    more: dict[str, str] = field(default_factory=dict)
    """What the image has in its environment."""
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, job: TrainingJob, index: int = 0) -> subprocess.Popen[str]:
        """Start the container as the kubelet would."""
        described = next(one for one in render(job).objects if one["kind"] == "Job")
        container = described["spec"]["template"]["spec"]["containers"][0]
        variables = {one["name"]: one["value"] for one in container["env"] if "value" in one}
        own = {
            "JOB_COMPLETION_INDEX": str(index),
            "MASTER_ADDR": "localhost",
            "MASTER_PORT": self.port,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TOLD": str(self.told),
        }
        own |= {
            name: value.replace("/training", str(self.folder)) for name, value in variables.items() if "DIR" in name
        }
        state = self.folder / self.run_folder
        state.mkdir(exist_ok=True)
        words = [word.replace("$$", "$") for word in (*container["command"], *container["args"])]
        for path, here in {"/run/training": state, **self.moved}.items():
            words = [word.replace(path, str(here)) for word in words]
        process = subprocess.Popen(
            words,
            env={**variables, **own, **self.more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, job: TrainingJob, index: int = 0) -> tuple[int, str]:
        """Exit code and output."""
        process = self.start(job, index)
        # Its end ends all of a container, the processes that hold the pipe too.
        process.wait(timeout=30)
        self.end(process)
        output, _ = process.communicate(timeout=30)
        return process.returncode, output

    @staticmethod
    def end(process: subprocess.Popen[str]) -> None:
        """End what a container's end would end."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    @property
    def told(self) -> Path:
        """Folder of what processes found."""
        (self.folder / "told").mkdir(exist_ok=True)
        return self.folder / "told"

    def environments(self) -> list[dict[str, str]]:
        """What the processes found, by rank."""
        found = [json.loads(file.read_text()) for file in self.told.iterdir()]
        return sorted(found, key=lambda one: int(one.get("RANK", -1)))


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    one = Worker(tmp_path)
    yield one
    for process in one.started:
        one.end(process)


@pytest.fixture
def master_port() -> Iterator[str]:
    """A port for the processes to meet at."""
    with reserved() as port:
        yield str(port)


@pytest.fixture
def telling(job: Callable[..., TrainingJob]) -> Callable[..., TrainingJob]:
    """Jobs whose processes tell their environment."""
    return lambda **given: job(script=["-c", _TELL], **given)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_processes_of_all_workers_have_ranks_without_a_gap(
    worker: Worker, telling: Callable[..., TrainingJob], index: int
) -> None:
    code, output = worker.run(telling(workers=3, processes=2), index)

    assert (code, output) == (0, "told\ntold\n")
    found = worker.environments()
    assert [(one["RANK"], one["LOCAL_RANK"]) for one in found] == [(str(2 * index), "0"), (str(2 * index + 1), "1")]
    assert {(one["WORLD_SIZE"], one["NODE_RANK"], one["PET_NODE_RANK"]) for one in found} == {
        ("6", str(index), str(index))
    }


def test_tensorflow_is_told_its_place_in_the_cluster(worker: Worker, telling: Callable[..., TrainingJob]) -> None:
    worker.run(telling(framework="tensorflow", workers=2, processes=2), 1)
    configured = [json.loads(one["TF_CONFIG"]) for one in worker.environments()]
    assert [one["task"] for one in configured] == [{"type": "worker", "index": index} for index in (2, 3)]
    assert {len(one["cluster"]["worker"]) for one in configured} == {4}


@pytest.mark.parametrize(("index", "roles"), [(0, {"MS_SCHED": 1, "MS_WORKER": 2}), (1, {"MS_WORKER": 2})])
def test_mindspore_has_a_scheduler_beside_the_first_workers_processes(
    worker: Worker, telling: Callable[..., TrainingJob], index: int, roles: dict[str, int]
) -> None:
    worker.run(telling(framework="mindspore", processes=2), index)
    found = worker.environments()
    assert _count(found, "MS_ROLE") == roles
    assert {(one["MS_SCHED_HOST"], one["MS_WORKER_NUM"]) for one in found} <= {("::1", "4"), ("127.0.0.1", "4")}
    assert {one["MS_NODE_ID"] for one in found if one["MS_ROLE"] == "MS_WORKER"} == {str(2 * index), str(2 * index + 1)}


@pytest.mark.parametrize(
    ("index", "roles"), [(0, {"scheduler": 1, "server": 1, "worker": 1}), (1, {"server": 1, "worker": 1})]
)
def test_mxnet_has_a_server_beside_every_worker(
    worker: Worker, telling: Callable[..., TrainingJob], index: int, roles: dict[str, int]
) -> None:
    worker.run(telling(framework="mxnet"), index)
    found = worker.environments()
    assert _count(found, "DMLC_ROLE") == roles
    assert {(one["DMLC_NUM_SERVER"], one["DMLC_NUM_WORKER"]) for one in found} == {("2", "2")}


def _count(found: list[dict[str, str]], name: str) -> dict[str, int]:
    values = [one[name] for one in found]
    return {value: values.count(value) for value in values}


@pytest.mark.parametrize("framework", ["keras", "scikit-learn", "xgboost", "lightgbm", "mpi", "caffe", "cntk"])
def test_a_single_process_needs_nothing_but_itself(
    worker: Worker, telling: Callable[..., TrainingJob], framework: str
) -> None:
    assert worker.run(telling(framework=framework, workers=1)) == (0, "told\n")


def test_ranks_on_the_other_workers_of_mpi_find_their_workers_environment(
    worker: Worker, job: Callable[..., TrainingJob]
) -> None:
    asked = job(framework="mpi", processes=2)
    (secret,) = (one["stringData"] for one in render(asked).objects if one["kind"] == "Secret")
    for name, content in secret.items():
        (worker.folder / name).write_text(content)
    sshd = worker.folder / "sshd"
    sshd.write_text('#!/bin/sh\n[ "$1 $2 $3" = "-D -e -f" ] && cp "$4" "$TOLD/config"\n')
    sshd.chmod(0o755)
    worker.moved = {"/usr/sbin/sshd": sshd, "/etc/training-ssh": worker.folder}
    worker.more = {"LD_LIBRARY_PATH": "/opt/a b:/opt/\\", "QUOTED": """a "b" 'c' # $HOME""", "LINES": "one\ntwo"}

    assert worker.run(asked, 1)[0] == 0

    *given, last = (worker.told / "config").read_text().splitlines()
    assert given == secret["sshd_config"].splitlines()
    # sshd splits words as a shell does that expands nothing; only its first SetEnv counts.
    keyword, *pairs = shlex.split(last)
    assert (keyword, "SetEnv" in "".join(given)) == ("SetEnv", False)
    found = dict(pair.split("=", 1) for pair in pairs)
    assert worker.more.items() - {("LINES", "one\ntwo")} <= found.items()
    assert (found["CHECKPOINT_DIR"], found["OMP_NUM_THREADS"]) == (f"{worker.folder}/flowers/checkpoints", "1")
    assert {"LOG_DIR", "TENSORBOARD_LOGDIR", "PATH", "HOME", "WORLD_SIZE"} <= found.keys()
    # Of the one who starts ranks, and not of these.
    assert not [name for name in found if name.startswith(("OMPI_", "PRTE_", "HYDRA_"))]


def test_words_reach_the_program_untouched(worker: Worker, job: Callable[..., TrainingJob]) -> None:
    words = ["", "a b", "$HOME", "$(id)", "`id`", "'", '"', "*", "a\nb", "-n", "\\"]
    code, output = worker.run(job(script=["-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *words]))
    assert (code, json.loads(output)) == (0, words)


def test_output_is_also_in_the_log_folder(worker: Worker, job: Callable[..., TrainingJob]) -> None:
    _, output = worker.run(job(script=["-c", "import sys; print('out'); print('err', file=sys.stderr)"]), 1)
    assert output == (worker.folder / "flowers/logs/worker-1.log").read_text() == "out\nerr\n"
    assert (worker.folder / "flowers/checkpoints").is_dir()
    assert (worker.folder / "flowers/tensorboard").is_dir()


def test_one_failed_process_ends_the_worker_with_its_code(worker: Worker, job: Callable[..., TrainingJob]) -> None:
    script = "import os, sys, time; sys.exit(7) if os.environ['RANK'] == '1' else time.sleep(60)"
    before = time.monotonic()
    code, output = worker.run(job(script=["-c", script], processes=2, retries=2))
    assert code == 7
    assert "ended with 7, start 1 of 3" in output
    assert time.monotonic() - before < 20


def test_a_killed_process_is_a_failed_one(worker: Worker, job: Callable[..., TrainingJob]) -> None:
    code, _ = worker.run(job(script=["-c", "import os; os.kill(os.getpid(), 9)"]))
    assert code == 137


def test_a_process_that_is_killed_with_its_shell_is_a_failed_one(
    worker: Worker, job: Callable[..., TrainingJob]
) -> None:
    script = "import os; os.kill(os.getppid(), 9); os.kill(os.getpid(), 9)"
    code, output = worker.run(job(script=["-c", script]))
    assert (code, "ended with 137" in output) == (137, True)


def test_the_last_retry_says_so_and_is_not_started_again(worker: Worker, job: Callable[..., TrainingJob]) -> None:
    failing = job(script=["-c", "raise SystemExit(3)"], retries=1)
    assert [worker.run(failing)[0] for _ in range(2)] == [3, 125]
    code, output = worker.run(failing)
    assert code == 125
    assert "all 1 retries are used up" in output


def test_a_command_that_is_not_there_is_not_tried_again(worker: Worker, job: Callable[..., TrainingJob]) -> None:
    assert worker.run(job(command=["no-such-program"]))[0] == 127


def test_a_worker_that_is_stopped_lets_its_processes_finish(worker: Worker, job: Callable[..., TrainingJob]) -> None:
    # Awaited, not handled: a signal between Python's last look for one and a sleep does not end the sleep. One write a
    # line: what is written in parts may mix.
    script = (
        "import os, signal, time\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
        "os.write(1, b'ready\\n')\n"
        "signal.sigwait({signal.SIGTERM})\n"
        "time.sleep(0.5)\n"
        "os.write(1, b'saved\\n')\n"
    )
    process = worker.start(job(script=["-c", script], processes=2))
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["ready\n", "ready\n"]

    process.terminate()
    output, _ = process.communicate(timeout=20)

    assert (process.returncode, output) == (143, "saved\nsaved\n")


def test_a_volume_that_cannot_be_written_is_named(worker: Worker, telling: Callable[..., TrainingJob]) -> None:
    (worker.folder / "flowers").write_text("no folder")
    code, output = worker.run(telling())
    assert code == 1
    assert "cannot write to the training volume" in output


def test_workers_train_together_and_go_on_from_their_checkpoint(
    tmp_path: Path, job: Callable[..., TrainingJob], master_port: str
) -> None:
    program = project_root() / "tests/fixtures/training/averaging.py"
    run = job(script=[str(program), "--epochs", "12", "--hold", "5"], workers=2, processes=2)
    workers = [Worker(tmp_path, f"run-{index}", master_port) for index in range(2)]
    try:
        processes = [worker.start(run, index) for index, worker in enumerate(workers)]
        output = processes[1].stdout
        assert output is not None
        assert any("holding" in line for line in output)

        workers[1].end(processes[1])

        assert processes[0].wait(timeout=30) == 1
        processes = [worker.start(run, index) for index, worker in enumerate(workers)]
        assert [process.wait(timeout=60) for process in processes] == [0, 0]
    finally:
        for worker in workers:
            for process in worker.started:
                worker.end(process)
    logs = [path.read_text() for path in sorted((tmp_path / "flowers/logs").glob("worker-*.log"))]
    lines = [[json.loads(line) for line in log.splitlines() if line.startswith('{"epoch"')] for log in logs]
    assert {(rank, one["rank"], one["world"]) for rank, said in enumerate(lines) for one in said} == {
        (rank, rank, 4) for rank in range(4)
    }
    assert [(one["epoch"], one["first"]) for one in lines[0]] == [
        *((epoch, 0) for epoch in range(5)),
        *((epoch, 5) for epoch in range(5, 12)),
    ]
    losses = [one["loss"] for one in lines[0]]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 10


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow", "mindspore", "mxnet", "mpi"])
@pytest.mark.parametrize("workers", [1, 2])
def test_shellcheck_has_nothing_to_say(
    job: Callable[..., TrainingJob], framework: str, workers: int, tmp_path: Path
) -> None:
    described: Any = next(
        one for one in render(job(framework=framework, workers=workers, processes=2)).objects if one["kind"] == "Job"
    )
    script = tmp_path / "launcher.sh"
    launcher = described["spec"]["template"]["spec"]["containers"][0]["command"][2]
    script.write_text("#!/bin/sh\n" + launcher.replace("$$", "$"))
    # What is set from outside, and functions that a framework does not use.
    found = subprocess.run(
        ["shellcheck", "--exclude=SC2153,SC2154,SC2034,SC2329,SC2317", str(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
