"""Bytes in buckets: what the gateway answers, recorded from Ceph 16.2, and what is told of it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from amalgam_buckets.gateway import read

from tests.unit.collectd.conftest import ROOT

ANSWER = """\
HTTP/1.1 200 OK\r
X-RGW-Object-Count: 21\r
X-RGW-Bytes-Used: 16781931\r
X-RGW-Quota-User-Size: -1\r
X-RGW-Quota-Bucket-Size: 4294967296\r
X-RGW-Quota-Bucket-Objects: -1\r
Content-Length: 0\r
\r
"""


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        (ANSWER, {"used": 16781931, "quota": 4294967296}),
        (ANSWER.replace("4294967296", "-1"), {"used": 16781931}),
        (ANSWER.replace("X-RGW", "x-rgw"), {"used": 16781931, "quota": 4294967296}),
        (ANSWER.replace("16781931", "many"), {"quota": 4294967296}),
        ("", {}),
    ],
)
def test_an_answer_says_what_lies_there_and_the_quota(answer: str, values: dict[str, int]) -> None:
    assert read(answer) == values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As the role ceph_rgw writes it."""
    (tmp_path / "buckets").write_text('datasets-nlp 1 {"a": 1}\ndatasets-vision 2 {}\n')
    (tmp_path / "gateway.env").write_text("# Managed\nGATEWAY=https://objects:7480\n")
    return tmp_path


@pytest.fixture
def reading(
    monkeypatch: pytest.MonkeyPatch, folder: Path, make_tool: Callable[[str, str], Path]
) -> Callable[[str], list]:
    """What is told, and what is warned of, when curl is this script."""
    told: list[tuple[str, str, int]] = []

    class Values:
        def __init__(self, *, plugin: str, plugin_instance: str, type: str, values: list[int]) -> None:  # noqa: A002
            assert plugin == "bucket"
            self._told = (plugin_instance, type, *values)

        def dispatch(self) -> None:
            told.append(self._told)

    callbacks: dict[str, Callable] = {}
    module = ModuleType("collectd")
    module.Values = Values
    module.warning = lambda text: told.append(("warning", text))
    module.register_config = lambda call: callbacks.update(config=call)
    module.register_init = lambda call: callbacks.update(init=call)
    module.register_read = lambda call, _interval, name: callbacks.update({name: call})
    monkeypatch.setitem(sys.modules, "collectd", module)
    monkeypatch.delitem(sys.modules, "amalgam_buckets.plugin", raising=False)
    importlib.import_module("amalgam_buckets.plugin")
    callbacks["config"](SimpleNamespace(children=[SimpleNamespace(key="Folder", values=(str(folder),))]))

    def run(script: str) -> list:
        tools = make_tool("curl", script)
        monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
        callbacks["buckets"]()
        callbacks["buckets"]()
        return told

    return run


def test_every_bucket_is_asked_for_by_the_owner_and_told(reading: Callable[[str], list], tmp_path: Path) -> None:
    script = f"echo \"$@\" >>{tmp_path}/asked; printf 'X-RGW-Bytes-Used: 5\\r\\nX-RGW-Quota-Bucket-Size: 9\\r\\n'"
    told = reading(script)
    one_round = [
        ("datasets-nlp", "bucket_used", 5),
        ("datasets-nlp", "bucket_quota", 9),
        ("datasets-vision", "bucket_used", 5),
        ("datasets-vision", "bucket_quota", 9),
    ]
    assert told == one_round * 2
    first = (tmp_path / "asked").read_text().splitlines()[0]
    assert first == "--config owner.curl --max-time 8 --head https://objects:7480/datasets-nlp"


def test_a_gateway_that_does_not_answer_is_warned_of_once(reading: Callable[[str], list]) -> None:
    assert reading("echo 'curl: (7) refused' >&2; exit 7") == [("warning", "buckets: datasets-nlp: curl: (7) refused")]


def test_a_store_that_says_something_else_is_warned_of(reading: Callable[[str], list]) -> None:
    (warning,) = reading("echo 'HTTP/1.1 200 OK'")
    assert "does not say what lies there" in warning[1]


def test_what_is_told_has_types() -> None:
    lines = (ROOT / "roles/collectd/templates/usr/lib/amalgam/collectd/types.db").read_text().splitlines()
    assert {line.split()[0] for line in lines if line.startswith("bucket_")} == {
        f"bucket_{key}" for key in read(ANSWER)
    }


def test_a_site_without_datasets_has_nothing_to_tell(reading: Callable[[str], list], folder: Path) -> None:
    (folder / "buckets").unlink()
    assert reading("exit 1") == []
