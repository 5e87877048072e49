"""The real collectd reads NPUs: one more on a node with simulated GPUs, which is shown simulated NPUs instead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from amalgam.lab.simulated_chips.install import CHIPS, FOLDER, describe
from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

PORT = 19103
UNIT = "amalgam-test-collectd"
PLACE = f"/var/tmp/{UNIT}"
_HOT, _ILL = 3, 5
_READINGS = {str(_HOT): {"temperature_c": 93}, str(_ILL): {"health": "unhealthy", "link": "down", "ecc_uncorrected": 4}}
_VALUE = re.compile(r'collectd_accelerator_accelerator_(\w+)\{accelerator="ascend-(\d+)",instance="[^"]+"\} (\S+) \d+')


@pytest.fixture
def node(lab: Lab) -> Iterator[Node]:
    """A node with simulated chips; what a test made there is taken away."""
    found = next((host.name for host in lab.site.hosts if host.accelerator == "nvidia"), None)
    if found is None:
        pytest.skip("the site has no simulated GPUs, beside which its programs for NPUs would lie")
    one = lab.node(found)
    try:
        yield one
    finally:
        one.run(f"systemctl stop {UNIT}; rm -rf {PLACE}", check=False)


def _write(node: Node, name: str, content: str) -> None:
    node.run(f"mkdir -p $(dirname {PLACE}/{name}) && cat > {PLACE}/{name}", stdin=content)


def _start(node: Node) -> None:
    """Start a second collectd with the host's own configuration, for Ascend, on another port."""
    _write(node, "chips/machine.json", json.dumps(describe(node.name, "ascend")))
    _write(node, "readings/readings.json", json.dumps(_READINGS))
    for tool in ("npu-smi", "hccn_tool"):
        module = f"simulated_chips.{tool.replace('-', '_')}"
        _write(node, f"tools/{tool}", f'#!/bin/sh\nPYTHONPATH=/{FOLDER} exec python3 -B -m {module} "$@"\n')
    # Links and ECC are read each minute else.
    vendor = r's/Vendor "nvidia"/Vendor "ascend"\n SeldomInterval 3/'
    own = f's/^Interval .*/Interval 2/; s/Port "9103"/Port "{PORT}"/; {vendor}'
    node.run(f"chmod 755 {PLACE}/tools/*; sed '{own}' /etc/collectd/collectd.conf > {PLACE}/collectd.conf")
    binds = {"chips": "/etc/simulated-chips", "readings": "/var/lib/simulated-chips"}
    binds["tools"] = "/usr/local/Ascend/driver/tools"
    shown = " ".join(f"--property BindReadOnlyPaths={PLACE}/{source}:{target}" for source, target in binds.items())
    program = f"/usr/sbin/collectd -f -C {PLACE}/collectd.conf -P {PLACE}/pid"
    node.run(f"systemd-run --quiet --collect --unit {UNIT} {shown} {program}")


def _values(node: Node) -> dict[str, dict[int, float]]:
    """Reading → chip → value, as Prometheus would get them."""
    page = node.run(f"curl --silent http://127.0.0.1:{PORT}/metrics", check=False).stdout
    found: dict[str, dict[int, float]] = {}
    for name, chip, value in _VALUE.findall(page):
        found.setdefault(name, {})[int(chip)] = float(value)
    return found


def test_collectd_tells_of_every_npu(node: Node) -> None:
    _start(node)
    values = wait_until(
        "collectd has read the NPUs",
        lambda: _values(node),
        lambda seen: len(seen.get("link_up", {})) == CHIPS,
        seconds=40,
    )
    assert values["healthy"] == {chip: float(chip != _ILL) for chip in range(CHIPS)}
    assert values["link_up"] == {chip: float(chip != _ILL) for chip in range(CHIPS)}
    assert values["temperature"] == {chip: 93.0 if chip == _HOT else 41.0 for chip in range(CHIPS)}
    assert values["ecc_errors_total"] == {chip: 4.0 if chip == _ILL else 0.0 for chip in range(CHIPS)}
    assert set(values["memory_total"].values()) == {32768.0 * 1024**2}
