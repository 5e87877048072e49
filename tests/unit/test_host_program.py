"""Programs for hosts, as an interpreter takes them from its standard input."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib

import pytest

from amalgam import host_program
from amalgam.errors import AmalgamError

CANARY = "canary-51c7"


def interpreted(sent: bytes, interpreter: str = sys.executable) -> dict:
    """What a host with ``interpreter`` gives back."""
    command = ["sh", "-c", host_program.command(interpreter)]
    done = subprocess.run(command, input=sent, capture_output=True, check=False, env={"LC_ALL": "C"})
    return host_program.result(done.stdout.decode(), done.stderr.decode(), done.returncode, interpreter=interpreter)


def with_source(sent: bytes, name: str, source: str) -> bytes:
    """The same with another source for one of the modules."""
    content = json.loads(zlib.decompress(sent.partition(b"\n")[2]))
    content["sources"][f"amalgam.on_host.{name}"] = source
    return host_program.framed(json.dumps(content).encode())


def ran(program: str, **params: object) -> dict:
    """The result of a program that does this, sent as ours are."""
    sent = host_program.packed("units", params, check_mode=True, diff=True)
    return interpreted(with_source(sent, "units", f"import os, sys\ndef run(request):\n    {program}\n"))


@pytest.mark.parametrize(
    ("program", "imported"),
    [
        ("change_notices", {"commands", "tree_files"}),
        ("bundle_sync", {"tree_files"}),
        ("bundle_packages", {"commands", "units"}),
        ("bundle_archive", {"change_notices", "commands", "https", "tree_files"}),
    ],
)
def test_only_what_a_program_may_import_is_sent_with_it(program, imported):
    named = {name.removeprefix("amalgam.on_host.") for name in host_program.modules(program)}
    assert named == {program, "program"} | imported


def test_what_a_run_does_not_import_costs_it_nothing():
    tree = {"dir_mode": "0755", "owner": "root:root", "folders": [], "files": [], "links": [], "handlers": []}
    params = {"dest": "/", "units": {}, "tree": tree}
    sent = host_program.packed("template_tree", params, check_mode=True, diff=False)
    assert interpreted(with_source(sent, "tree_validation", "is never compiled:"))["changed"] is False


def test_a_program_gets_its_input_and_its_result_comes_back():
    assert ran("return {'changed': False, 'is': [request.params['a'], request.check_mode, request.diff]}", a=1) == {
        "changed": False,
        "is": [1, True, True],
    }


def test_bytes_that_follow_are_the_program_s_to_read():
    sent = host_program.packed("units", {}, check_mode=False, diff=False)
    source = "def run(request):\n    return {'read': [request.payload.read(3).hex(), request.payload.read().hex()]}\n"
    assert interpreted(with_source(sent, "units", source) + b"\x00\n\xff{}") == {"read": ["000aff", "7b7d"]}


def test_bytes_that_are_no_text_survive_both_ways():
    text = bytes(range(256)).decode("utf-8", "surrogateescape") + "ü€"
    assert ran("return {'text': request.params['text'], 'name': os.fsdecode(b'\\xff')}", text=text) == {
        "text": text,
        "name": "\udcff",
    }


def test_whatever_is_printed_beside_the_result_does_not_harm_it():
    noisy = "print('{'); os.system('echo garbage; echo }'); sys.stdout.write('half a line'); return {'changed': True}"
    assert ran(noisy) == {"changed": True}


def test_a_greeting_before_the_result_is_passed_over():
    assert host_program.result('Welcome!\n{"changed": false}\n', "", 0, interpreter="python3") == {"changed": False}


def test_input_is_no_argument_of_any_process():
    shown = ran("return {'argv': open('/proc/self/cmdline').read()}", secret=CANARY)
    assert "zlib.decompress" in shown["argv"]
    assert CANARY not in shown["argv"]


def test_a_killed_program_is_a_failure_that_says_what_is_known():
    with pytest.raises(AmalgamError, match=r"no result \(exit code -?\d+\), but: last words"):
        ran("os.write(2, b'last words'); os.kill(os.getpid(), 9)")


def test_a_host_without_the_interpreter_is_a_failure_with_its_remedy():
    with pytest.raises(AmalgamError, match=r"exit code 127.*not found") as failure:
        interpreted(b"", "/nowhere/python3")
    assert "ansible_python_interpreter" in failure.value.remedy


def test_a_fault_while_a_program_is_loaded_is_told():
    sent = host_program.packed("units", {}, check_mode=True, diff=False)
    with pytest.raises(AmalgamError, match="SyntaxError"):
        interpreted(with_source(sent, "units", "def run(:"))
