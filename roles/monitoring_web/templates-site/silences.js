// The page that keeps alerts silent: what it begins with is in the address, as mails and dashboards lead here.
import { alertsNow, end, matcher, silence, silencePage, silences, words } from "./alertmanager.js";
import { byId, element } from "./dom.js";

const REFRESH_MS = 30000;

const moment = (at) => new Date(at).toLocaleString();

function say(text) {
  byId("status").textContent = text;
}

function offered(text) {
  const box = element("input", { type: "checkbox", value: text, checked: true });
  return element("li", {}, element("label", {}, box, ` ${text}`));
}

function chosen() {
  const boxes = [...byId("matchers").querySelectorAll("input:checked")].map((box) => box.value);
  const further = byId("further").value.trim();
  return [...boxes, ...(further ? [further] : [])].map(matcher);
}

function alertItem({ labels, annotations, startsAt, status }) {
  const state = status.silencedBy.length ? "silent" : status.inhibitedBy.length ? "behind another alert" : labels.severity;
  const scope = ["node", "chip", "vc", "pod"].filter((name) => labels[name]).map((name) => `${name} ${labels[name]}`);
  return element("li", { "data-severity": labels.severity },
    element("strong", {}, labels.alertname),
    element("span", { class: "severity" }, state ?? ""),
    element("span", {}, annotations.summary ?? annotations.description ?? ""),
    element("span", { class: "scope" }, [...scope, `since ${moment(startsAt)}`].join(" · ")),
    element("a", { href: silencePage(labels) }, "silence"));
}

function silenceItem({ id, matchers, comment, createdBy, startsAt, endsAt, status }) {
  const from = status.state === "pending" ? `from ${moment(startsAt)} ` : "";
  const button = element("button", { type: "button" }, "End");
  button.addEventListener("click", () => act("ended", () => end(id)));
  return element("li", {},
    element("strong", {}, matchers.map(words).join(" ")),
    element("span", {}, comment),
    element("span", { class: "scope" }, `by ${createdBy}, ${from}until ${moment(endsAt)}`),
    button);
}

function fill(id, items, none) {
  byId(id).replaceChildren(...(items.length ? items : [element("li", {}, none)]));
}

async function show() {
  const [alerts, held] = await Promise.all([alertsNow(), silences()]);
  alerts.sort((one, other) => one.labels.alertname.localeCompare(other.labels.alertname));
  fill("alerts-now", alerts.map(alertItem), "No alert is firing.");
  fill("silences", held.map(silenceItem), "Nothing is silent.");
}

async function act(done, action) {
  try {
    await action();
    await show();
    say(`${done} at ${new Date().toLocaleTimeString()}`);
  } catch (error) {
    say(error.message);
  }
}

function submit(event) {
  event.preventDefault();
  act("silent", () => {
    const wanted = chosen();
    if (!wanted.length) throw new Error("choose at least one label: nothing is silent without");
    return silence(wanted, Number(byId("minutes").value), byId("comment").value.trim());
  });
}

const refresh = () => document.hidden || show().catch((error) => say(error.message));

byId("matchers").append(...[...new URLSearchParams(location.search)].map(([name, value]) => offered(`${name}=${value}`)));
byId("silence").addEventListener("submit", submit);
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, REFRESH_MS);
refresh();
