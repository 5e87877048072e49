"""What goes wrong on the lab reaches a real mail server, and what is silenced stays so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
import yaml

from amalgam.lab.dead_man_switch.install import UNIT
from amalgam.lab.simulated_chips.install import CHIPS
from amalgam.lab.simulated_chips.on_node.machine import HEALTHY, UNHEALTHY
from amalgam.monitoring.durations import seconds
from tests.e2e.support.mails import Mailbox, text_of
from tests.e2e.support.memory import memory_in_use
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Lab
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(420)

MAIL_SECONDS = 90
ALERT_SECONDS = 180


@pytest.fixture(scope="module")
def monitoring(lab: Lab) -> Monitoring:
    """The management host."""
    return Monitoring(lab)


@pytest.fixture
def mailbox(monitoring: Monitoring) -> Mailbox:
    """Mails that arrive from now on."""
    return Mailbox(monitoring.host)


def test_everything_that_is_to_be_read_is_read(monitoring: Monitoring) -> None:
    wait_until("every target answers", monitoring.down_targets, lambda seen: seen == [], seconds=90)
    jobs = {one["metric"]["job"] for one in monitoring.query("count by (job) (up == 1)")}
    wanted = {"collectd", "kubelet", "cadvisor", "apiserver", "etcd", "kube-scheduler", "kube-controller-manager"}
    wanted |= {"cilium", "registry", "ceph", "prometheus", "alertmanager", "cluster-state"}
    wanted |= {"victoria-logs", "vlagent", "pod-logs"}
    assert jobs == wanted


ILLS = {
    "AcceleratorUnhealthy": ("health", UNHEALTHY, HEALTHY),
    "AcceleratorTemperatureHigh": ("temperature-c", "97", "41"),
    "AcceleratorEccErrors": ("ecc-uncorrected", "3", "0"),
}


@dataclass(frozen=True)
class IllChips:
    """Chips of a node, of which each has something else."""

    monitoring: Monitoring
    node: str
    wanted: dict[str, set[str]]
    """Alert -> the chip that is to raise it."""
    told_already: set[str]

    def told(self) -> dict[str, set[str]]:
        """Alert -> the chips that raise it, as `wanted`."""
        return {alert: _chips(self.monitoring, alert, self.node) - self.told_already for alert in ILLS}


def _chips(monitoring: Monitoring, alert: str, node: str) -> set[str]:
    return {one["chip"] for one in monitoring.alerts(alert, node=node, vendor="nvidia")}


@pytest.fixture(scope="module")
def ill_chips(lab: Lab, monitoring: Monitoring) -> Iterator[IllChips]:
    """Three chips that are not well. Their alerts take minutes: other tests may wait for theirs meanwhile."""
    node = lab.node("gpu1")
    # Errors of the last hour may be those of an earlier run.
    told_already = set().union(*(_chips(monitoring, alert, node.name) for alert in ILLS))
    well = (chip for chip in map(str, range(CHIPS)) if chip not in told_already)
    chips = {alert: next(well) for alert in ILLS}
    for alert, chip in chips.items():
        reading, bad, _ = ILLS[alert]
        node.run(f"simulated-chips set-{reading} {chip} {bad}")
    try:
        yield IllChips(monitoring, node.name, {alert: {chip} for alert, chip in chips.items()}, told_already)
    finally:
        for alert, chip in chips.items():
            reading, _, good = ILLS[alert]
            node.run(f"simulated-chips set-{reading} {chip} {good}")


@pytest.mark.usefixtures("ill_chips")
def test_a_node_that_runs_out_of_memory_is_told_by_mail_and_that_it_is_over_too(lab: Lab, mailbox: Mailbox) -> None:
    (name,) = lab.site.lab.memory_mib if lab.site.lab else ()
    with memory_in_use(lab.node(name)):
        mail = mailbox.wait_for("NodeMemoryHighUtilization", name, seconds=MAIL_SECONDS)
    assert f"administrators@{lab.site.settings.site_domain}" in mail["To"]
    assert "runbooks/NodeMemoryHighUtilization" in text_of(mail)
    mailbox.wait_for("NodeMemoryHighUtilization", "RESOLVED", name, seconds=ALERT_SECONDS)


def test_each_chip_that_is_not_well_raises_the_alert_of_what_it_has(ill_chips: IllChips) -> None:
    wait_until("the three alerts fire", ill_chips.told, lambda told: told == ill_chips.wanted, seconds=ALERT_SECONDS)


def test_a_silence_outlives_a_restart_of_alertmanager(monitoring: Monitoring) -> None:
    amtool = "amtool --alertmanager.url http://127.0.0.1:9093/alertmanager silence"
    made = monitoring.host.run(f"{amtool} add --comment test --author test --duration 5m node=nowhere").stdout.strip()
    try:
        monitoring.host.run("systemctl restart prometheus-alertmanager")
        wait_until(
            "Alertmanager knows the silence again",
            lambda: made in monitoring.host.run(f"{amtool} query --quiet", check=False).stdout,
            seconds=60,
        )
    finally:
        monitoring.host.run(f"{amtool} expire {made}")


def test_the_dead_mans_switch_is_called_in_every_interval(lab: Lab, monitoring: Monitoring) -> None:
    settings = yaml.safe_load((lab.inventory / "group_vars/all/alertmanager.yml").read_text())
    longest = 1.5 * (seconds(settings["alertmanager_watchdog_interval"]) or 0)
    # What `--since` needs, as journalctl takes it: twice what two calls and the time since may take.
    command = (
        f"date +%s; journalctl --unit {UNIT} --since -{round(4 * longest)}s --output short-unix --grep 'called by'"
    )

    def late() -> list[float]:
        now, *calls = monitoring.host.run(command, check=False).stdout.splitlines()
        times = [
            float(call.split()[0])
            for call in calls
            if call.endswith(f"called by {lab.site.settings.site_name}/Watchdog")
        ]
        return [after - before for before, after in pairwise([*times[-2:], float(now)])]

    wait_until(
        "two calls came in a row, and no third is due",
        late,
        lambda gaps: len(gaps) == 2 and max(gaps) < longest,
        # After a restart of Alertmanager the first call is as late as Prometheus' next word, and two make a row.
        seconds=4 * longest,
    )


def test_the_watchdog_is_always_raised_and_never_mailed(monitoring: Monitoring, mailbox: Mailbox) -> None:
    assert monitoring.alerts("Watchdog")
    assert mailbox.about("Watchdog") == []


def test_rules_and_settings_are_those_that_the_programs_themselves_accept(monitoring: Monitoring) -> None:
    monitoring.host.run("promtool check config /etc/prometheus/prometheus.yml")
    monitoring.host.run("amtool check-config /etc/prometheus/alertmanager.yml")
