"""A program that opens pages in headless Chromium and says what became of them, as JSON: ``browse < wanted.json``.

A process of its own, so that ``ip netns exec`` can start it, the browser and its driver where only a lab is reachable.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.e2e.support.ports import reserved

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
_SECONDS = 40.0
_POLL_SECONDS = 0.1
_MOMENT_SECONDS = 1.5
_PANELS = """return [...document.querySelectorAll(".panel")].map((panel) => ({
  title: panel.querySelector("h3").textContent,
  state: panel.getAttribute("aria-busy") ? "loading" : panel.dataset.state,
  message: panel.querySelector(".message").textContent,
}))"""


def trust(home: Path, authority: str) -> None:
    """Make a certificate one that the browser of this home believes."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = ["-d", f"sql:{store}"]
    subprocess.run(["certutil", *database, "-N", "--empty-password"], check=True)
    subprocess.run(["certutil", *database, "-A", "-t", "C,,", "-n", "site", "-i", authority], check=True)


def start(home: Path, wanted: dict[str, Any], port: int) -> webdriver.Chrome:
    """Start the browser, and its driver on a port of this machine; nothing is looked for or downloaded."""
    width, height = wanted.get("size", [1440, 900])
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    switches = ["headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "disable-background-networking"]
    switches += [
        "no-first-run",
        "hide-scrollbars",
        f"user-data-dir={home / 'profile'}",
        f"window-size={width},{height}",
    ]
    switches += [f"host-resolver-rules={rules}"] if (rules := wanted.get("host_rules")) else []
    for switch in switches:
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    environment = {**os.environ, "HOME": str(home), "SE_OFFLINE": "true", "XDG_DATA_HOME": str(home / "data")}
    browser = webdriver.Chrome(options=options, service=Service(DRIVER, port=port, env=environment))
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": wanted.get("scheme", "light")}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    return browser


def settle(browser: webdriver.Chrome) -> list[dict[str, str]]:
    """The panels, once none is loading any more or the time is up."""
    deadline = time.monotonic() + _SECONDS
    while True:
        panels: list[dict[str, str]] = browser.execute_script(_PANELS)
        if (panels and all(panel["state"] != "loading" for panel in panels)) or time.monotonic() > deadline:
            return panels
        time.sleep(_POLL_SECONDS)


def calm(browser: webdriver.Chrome) -> list[dict[str, str]]:
    """No panels, once a page of somebody else's has drawn something and had a moment to go on."""
    deadline = time.monotonic() + _SECONDS
    while not browser.execute_script("return document.body?.innerText.trim()") and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    time.sleep(_MOMENT_SECONDS)
    return []


def traffic(browser: webdriver.Chrome) -> dict[str, list[str]]:
    """Addresses that were asked since the last look, and what failed of that."""
    asked: dict[str, str] = {}
    failed = []
    for entry in browser.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        what = event["params"]
        if event["method"] == "Network.requestWillBeSent":
            asked[what["requestId"]] = what["request"]["url"]
        elif event["method"] == "Network.responseReceived" and what["response"]["status"] >= 400:
            failed.append(f"{what['response']['status']} {what['response']['url']}")
        elif event["method"] == "Network.loadingFailed" and what["requestId"] in asked:
            failed += [] if what.get("canceled") else [f"{what['errorText']} {asked[what['requestId']]}"]
    return {"asked": sorted(set(asked.values())), "failed": failed}


def picture(browser: webdriver.Chrome, file: Path) -> None:
    """The whole page, however long."""
    size = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
    asked = {"captureBeyondViewport": True, "clip": clip}
    file.write_bytes(base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", asked)["data"]))


def visit(browser: webdriver.Chrome, page: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Open one page, run its script when it has settled, and take its picture."""
    # From an empty page: a new fragment alone would load nothing.
    browser.get("about:blank")
    # Of the page before; the browser's own first page is one, too.
    traffic(browser)
    browser.get_log("browser")
    browser.get(page["url"])
    panels = settle(browser) if page["panels"] else calm(browser)
    answer = browser.execute_script(page["script"]) if "script" in page else None
    picture(browser, folder / f"{page['name']}.png")
    console = [entry["message"] for entry in browser.get_log("browser")]
    return {"panels": panels, "answer": answer, "console": console, **traffic(browser)}


def main() -> None:
    """Read what is wanted from standard input, write what was seen to standard output."""
    wanted = json.load(sys.stdin)
    folder = Path(wanted["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made, reserved() as port:
        home = Path(made)
        if "authority" in wanted:
            trust(home, wanted["authority"])
        browser = start(home, wanted, port)
        try:
            if "sign_in" in wanted:
                # The browser remembers the password; a page whose own address has it may not fetch anything.
                browser.get(wanted["sign_in"])
            seen = {page["name"]: visit(browser, page, folder) for page in wanted["pages"]}
        finally:
            browser.quit()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
