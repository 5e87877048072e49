"""The plugin with a stand-in for the module that collectd gives it."""

from __future__ import annotations

import importlib
import os
import re
import signal
import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import pytest
from amalgam_accelerators.readings import MIB

from tests.unit.collectd.conftest import ROOT

CSV = 'printf "0, GPU-a, 55, 60.5, 50, 10, 100, 3\\n1, GPU-b, [N/A], [N/A], 0, 0, 100, [N/A]\\n"'


@dataclass
class Daemon:
    """What the plugin has asked of collectd and told it."""

    callbacks: dict[str, object] = field(default_factory=dict)
    intervals: dict[str, float | None] = field(default_factory=dict)
    told: list[tuple[str, str, str, float]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def configure(self, **options: object) -> None:
        children = [
            SimpleNamespace(key=key, values=value if isinstance(value, tuple) else (value,))
            for key, value in options.items()
        ]
        self.callbacks["config"](SimpleNamespace(children=children))

    def read(self, name: str) -> dict[tuple[str, str, str], float]:
        self.told.clear()
        self.callbacks[f"accelerators/{name}"]()
        return {(instance, kind, of): value for instance, kind, of, value in self.told}


@pytest.fixture
def daemon(monkeypatch) -> Daemon:
    daemon = Daemon()

    class Values:
        def __init__(self, **fields: object) -> None:
            assert fields["plugin"] == "accelerator"
            self.fields = fields

        def dispatch(self) -> None:
            (value,) = self.fields["values"]
            names = (self.fields[name] for name in ("plugin_instance", "type", "type_instance"))
            daemon.told.append((*names, value))

    def register_read(callback, interval=None, *, name: str) -> None:
        daemon.callbacks[name] = callback
        daemon.intervals[name] = interval

    module = ModuleType("collectd")
    module.Values = Values
    module.warning = daemon.warnings.append
    module.register_read = register_read
    module.register_config = lambda callback: daemon.callbacks.update(config=callback)
    module.register_init = lambda callback: daemon.callbacks.update(init=callback)
    monkeypatch.setitem(sys.modules, "collectd", module)
    monkeypatch.delitem(sys.modules, "amalgam_accelerators.plugin", raising=False)
    importlib.import_module("amalgam_accelerators.plugin")
    return daemon


def test_values_are_told_under_the_chips_name(daemon, make_tool, tmp_path) -> None:
    folder = make_tool("nvidia-smi", CSV)
    daemon.configure(Vendor="nvidia", SearchPath=f"{folder}:{os.environ['PATH']}", Checkpoint=str(tmp_path / "none"))
    told = daemon.read("nvidia")
    assert told["nvidia-0", "accelerator_temperature", ""] == 55.0
    assert told["nvidia-0", "accelerator_utilization", ""] == 0.5
    assert told["nvidia-0", "accelerator_memory_used", ""] == 10.0 * MIB
    assert told["nvidia-0", "accelerator_ecc_errors", ""] == 3
    assert told["nvidia", "accelerator_chips", ""] == 2
    assert ("nvidia-1", "accelerator_temperature", "") not in told


def test_counters_are_whole_numbers(daemon, make_tool, tmp_path) -> None:
    folder = make_tool("nvidia-smi", CSV)
    daemon.configure(Vendor="nvidia", SearchPath=f"{folder}:{os.environ['PATH']}", Checkpoint=str(tmp_path / "none"))
    counters = {
        kind: value for (_, kind, _), value in daemon.read("nvidia").items() if kind.endswith(("errors", "failures"))
    }
    assert {type(value) for value in counters.values()} == {int}


def test_failures_are_counted_from_nothing_and_said_once(daemon, make_tool) -> None:
    folder = make_tool("other", "")
    daemon.configure(Vendor="ascend", SearchPath=str(folder))
    assert daemon.read("ascend") == {
        ("ascend", "accelerator_read_failures", reason): float(reason == "missing")
        for reason in ("missing", "timeout", "status", "output", "allocations")
    }
    assert daemon.read("ascend")["ascend", "accelerator_read_failures", "missing"] == 2
    assert daemon.warnings == ["ascend: npu-smi is not there"]


def test_a_broken_checkpoint_hides_no_readings(daemon, make_tool, tmp_path) -> None:
    folder = make_tool("nvidia-smi", CSV)
    (tmp_path / "checkpoint").write_text("{")
    daemon.configure(
        Vendor="nvidia", SearchPath=f"{folder}:{os.environ['PATH']}", Checkpoint=str(tmp_path / "checkpoint")
    )
    told = daemon.read("nvidia")
    assert told["nvidia-0", "accelerator_healthy", ""] == 1.0
    assert told["nvidia", "accelerator_read_failures", "allocations"] == 1


def test_links_are_read_seldom_and_only_if_they_are_wanted(daemon, make_tool) -> None:
    links = r'printf "GPU 0: A (UUID: GPU-a)\n\t Link 0: 25 GB/s\n"'
    path = f"{make_tool('nvidia-smi', links)}:{os.environ['PATH']}"
    daemon.configure(Vendor="nvidia", SearchPath=path, SeldomInterval=90)
    assert daemon.read("nvidia/seldom") == {("nvidia-0", "accelerator_link_up", ""): 1.0}
    assert daemon.intervals == {"accelerators/nvidia": None, "accelerators/nvidia/seldom": 90.0}
    daemon.configure(Vendor="nvidia", SearchPath=path, Links=False)
    assert daemon.read("nvidia/seldom") == {}


def test_both_vendors_can_be_read_on_one_host(daemon) -> None:
    daemon.configure(Vendor=("nvidia", "ascend"))
    assert {"accelerators/nvidia", "accelerators/ascend"} <= set(daemon.callbacks)


@pytest.mark.parametrize("options", [{"Vendor": "amd"}, {"Vendors": "nvidia"}])
def test_a_word_that_means_nothing_is_refused(daemon, options) -> None:
    with pytest.raises(ValueError, match="means nothing"):
        daemon.configure(**options)


def test_the_end_of_tools_is_learnt_of(daemon) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        daemon.callbacks["init"]()
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_every_type_that_is_told_is_in_the_types_database() -> None:
    folder = ROOT / "roles/collectd/templates/usr/lib/amalgam/collectd"
    lines = [line.split() for line in (folder / "types.db").read_text().splitlines()]
    known = {name.removeprefix("accelerator_") for name, _ in lines if name.startswith("accelerator_")}
    sources = "".join(file.read_text() for file in (folder / "amalgam_accelerators").glob("*.py"))
    told = set(re.findall(r'_tell\("(\w+)"', sources)) | set(re.findall(r'values\["(\w+)"\]', sources))
    told |= set(re.findall(r'take\("(\w+)"', sources)) | set(re.findall(r'\{"(\w+)": (?:float|errors|up)', sources))
    told |= set(re.findall(r': \("(\w+)", [A-Z]+,', sources))
    assert told == known
    assert {name for name, source in lines if "DERIVE" in source} == {
        "accelerator_ecc_errors",
        "accelerator_read_failures",
    }
