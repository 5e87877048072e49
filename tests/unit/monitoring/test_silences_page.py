"""The page that keeps alerts silent, in a real browser, before an Alertmanager that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.browser import Browser, Seen
from tests.unit.monitoring.stand_in import served

pytestmark = pytest.mark.timeout(180)

# As a mail writes it.
LABELS = "alertname=AcceleratorUnhealthy&node=worker2&vc=a%20b&"
_TOOLS = """
  const shown = (id) => [...document.querySelectorAll(`#${id} li`)].map((item) => item.innerText.replace(/\\s+/g, " "));
  const until = async (look) => {
    for (let turn = 0; turn < 600 && !look(); turn += 1) await new Promise((done) => setTimeout(done, 50));
  };
  const status = () => document.querySelector("#status").textContent;
  const press = () => document.querySelector("#silence button").click();
"""
_SCRIPTS = {
    "offered": """
      return [[...document.querySelectorAll("#matchers input")].map((box) => [box.value, box.checked]),
        shown("alerts-now"), shown("silences"), document.querySelector("#alerts-now a").getAttribute("href")]""",
    "made": """
      document.querySelectorAll("#matchers input")[2].click();
      document.querySelector("#further").value = "chip=~[01]";
      document.querySelector("#minutes").value = "240";
      document.querySelector("#comment").value = "new <fan>";
      press();
      await until(() => status().startsWith("silent"));
      const held = await (await fetch("/alertmanager/api/v2/silences")).json();
      const seen = [shown("silences"), shown("alerts-now")[0]];
      document.querySelector("#silences button").click();
      await until(() => status().startsWith("ended"));
      return [held, seen, shown("silences")]""",
    "refused": """
      const said = [];
      for (const further of ["", "gpu1"]) {
        document.querySelector("#further").value = further;
        document.querySelector("#comment").value = "why";
        document.querySelector("#status").textContent = "";
        press();
        await until(status);
        said.push(status());
      }
      return [said, shown("silences")]""",
}


def _open(folder: Path, script: str, words: str, **options: Any) -> Seen:
    # A page that is no dashboard; functions of one's own have to be called.
    drawn = "await until(() => shown('alerts-now').length && shown('silences').length);"
    wrapped = f"{_TOOLS} return (async () => {{ {drawn} {_SCRIPTS[script]} }})()"
    with served() as address:
        page = {script: f"{address}/silences.html{words}"}
        (seen,) = Browser(folder).open(page, {script: wrapped}, panels=False, **options).values()
    assert seen.console + seen.failed == []
    return seen


def test_it_begins_with_the_labels_of_the_mail_and_what_is_firing(tmp_path: Path) -> None:
    seen = _open(tmp_path, "offered", f"?{LABELS}", size=[390, 844])
    boxes, alerts, silences, link = seen.answer
    assert boxes == [["alertname=AcceleratorUnhealthy", True], ["node=worker2", True], ["vc=a b", True]]
    assert [alert.split()[0] for alert in alerts] == ["AcceleratorUnhealthy", "NodeMemoryHighUtilization"]
    assert "Chip 1 of worker2" in alerts[0]
    assert silences == ["Nothing is silent."]
    assert link == "/silences.html?alertname=AcceleratorUnhealthy&node=worker2"


def test_a_silence_is_made_with_what_is_chosen_shown_and_ended(tmp_path: Path) -> None:
    ((made,), (shown, alert), after) = _open(tmp_path, "made", f"?{LABELS}").answer
    same = {"isEqual": True, "isRegex": False}
    assert made["matchers"] == [
        {"name": "alertname", "value": "AcceleratorUnhealthy", **same},
        {"name": "node", "value": "worker2", **same},
        {"name": "chip", "value": "[01]", "isEqual": True, "isRegex": True},
    ]
    assert (made["comment"], made["createdBy"]) == ("new <fan>", "amalgam")
    assert shown[0].startswith("alertname=AcceleratorUnhealthy node=worker2 chip=~[01] new <fan> by amalgam, until ")
    assert " silent " in alert
    assert after == ["Nothing is silent."]


def test_what_would_silence_everything_or_is_no_label_is_refused(tmp_path: Path) -> None:
    said, silences = _open(tmp_path, "refused", "").answer
    assert said[0].startswith("choose at least one label")
    assert said[1].startswith("gpu1 says nothing about a label")
    assert silences == ["Nothing is silent."]
