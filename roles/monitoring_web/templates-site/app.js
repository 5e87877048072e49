// The page: which dashboard, for what, over which time. All of that is in the address, so that it can be sent on.
import { silencePage } from "./alertmanager.js";
import { byId, element } from "./dom.js";
import { makePanel } from "./panels.js";
import { ALL, fill, firingAlerts, labelValues, spanOf } from "./prometheus.js";
import { seconds } from "./units.js";

const DEFAULTS = { range: "1h", refresh: "30" };
let dashboards = [];
let panels = [];
let shown; // {dashboard, values, choice}
let turn = 0;
let timer;

function address(name, chosen) {
  const words = new URLSearchParams(chosen).toString();
  return `#${name}${words ? `?${words}` : ""}`;
}

function fromAddress() {
  const [name, words] = location.hash.slice(1).split("?");
  const dashboard = dashboards.find((one) => one.name === name) ?? dashboards[0];
  return { dashboard, choice: { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(words)) } };
}

// To another dashboard with all that is chosen here and known there.
function linkTo(name, chosen = {}) {
  const { range, refresh } = shown.choice;
  const target = dashboards.find((one) => one.name === name);
  const known = target.variables.map((variable) => variable.name);
  const kept = Object.entries({ ...shown.values, ...chosen }).filter(([key, value]) => known.includes(key) && value !== ALL);
  return address(name, { ...Object.fromEntries(kept), range, refresh });
}

function showNavigation() {
  const links = dashboards.map((one) =>
    element("a", { href: linkTo(one.name), "aria-current": one === shown.dashboard ? "page" : undefined }, one.title));
  byId("dashboards").replaceChildren(...links);
  const pages = shown.dashboard.links.filter((link) => !link.href.match(/\$[a-z_]+/g)?.some((name) => [undefined, ALL].includes(shown.values[name.slice(1)])));
  byId("links").replaceChildren(...pages.map((link) => {
    const href = link.href.replace(/\$([a-z_]+)/g, (_, name) => encodeURIComponent(shown.values[name]));
    return element("a", { href }, link.title);
  }));
}

// One after the other, since the choices of a variable may follow from those before it.
async function chooseVariables(span) {
  const { dashboard, choice, values } = shown;
  const fields = [];
  for (const variable of dashboard.variables) {
    const found = await labelValues(variable.label, fill(variable.expr, values, span), span);
    const options = variable.all && found.length ? [ALL, ...found] : found;
    const wanted = choice[variable.name];
    values[variable.name] = options.includes(wanted) ? wanted : options[0];
    const select = element("select", { "data-variable": variable.name }, ...options.map((value) =>
      element("option", { value, selected: value === values[variable.name] }, value === ALL ? "all" : value)));
    select.addEventListener("change", () => change({ [variable.name]: select.value }));
    fields.push(element("label", {}, `${variable.title} `, select));
  }
  return fields;
}

function change(chosen) {
  const names = shown.dashboard.variables.map((variable) => variable.name);
  const values = Object.fromEntries(names.map((name) => [name, shown.values[name]]).filter(([, value]) => value !== undefined));
  const { range, refresh } = shown.choice;
  location.hash = address(shown.dashboard.name, { ...values, range, refresh, ...chosen });
}

async function show() {
  const mine = ++turn;
  shown = { ...fromAddress(), values: {} };
  document.title = `${shown.dashboard.title} · ${byId("site").textContent}`;
  byId("range").value = shown.choice.range;
  byId("refresh").value = shown.choice.refresh;
  const built = shown.dashboard.rows.map((row) => ({ row, made: row.panels.map(makePanel) }));
  panels = built.flatMap(({ made }) => made);
  byId("panels").replaceChildren(...built.flatMap(({ row, made }) => [element("h2", {}, row.title), element("div", { class: "row" }, ...made)]));
  try {
    const fields = await chooseVariables(spanOf(seconds(shown.choice.range)));
    if (mine !== turn) return;
    byId("variables").replaceChildren(...fields);
  } catch (error) {
    if (mine === turn) byId("status").textContent = `The choices could not be read: ${error.message}`;
  }
  if (mine !== turn) return;
  showNavigation();
  await update();
}

async function update() {
  clearTimeout(timer);
  const mine = turn;
  const { dashboard, values, choice } = shown;
  const missing = dashboard.variables.find((variable) => values[variable.name] === undefined);
  if (missing) {
    panels.forEach((panel) => panel.give(`There is no ${missing.title.toLowerCase()} in this time.`));
  } else {
    const context = { values, span: spanOf(seconds(choice.range)), range: choice.range, linkTo };
    await Promise.all([showAlerts(), ...panels.map((panel) => panel.update(context))]);
  }
  if (mine !== turn) return;
  byId("status").textContent = `as of ${new Date().toLocaleTimeString()}`;
  if (Number(choice.refresh)) timer = setTimeout(update, Number(choice.refresh) * 1000);
}

function alertItem({ labels, annotations, activeAt }) {
  const scope = ["node", "chip", "vc", "namespace", "pod", "instance", "job"].filter((name) => labels[name]).slice(0, 3);
  const book = annotations.runbook_url;
  return element("li", { "data-severity": labels.severity ?? "warning" },
    element("strong", {}, labels.alertname),
    element("span", { class: "severity" }, labels.severity ?? ""),
    element("span", {}, annotations.summary ?? annotations.description ?? ""),
    element("span", { class: "scope" }, [...scope.map((name) => `${name} ${labels[name]}`), `since ${new Date(activeAt).toLocaleString()}`].join(" · ")),
    /^https?:/.test(book ?? "") ? element("a", { href: book }, "what to do") : undefined,
    element("a", { href: silencePage(labels) }, "silence"));
}

async function showAlerts() {
  const box = byId("alerts");
  const [summary, list] = box.children;
  try {
    const alerts = await firingAlerts();
    const worst = alerts.some((alert) => alert.labels.severity === "critical") ? "critical" : alerts.length ? "warning" : "good";
    const order = (alert) => (alert.labels.severity === "critical" ? "0" : "1") + alert.labels.alertname;
    alerts.sort((one, other) => order(one).localeCompare(order(other)));
    list.replaceChildren(...alerts.map(alertItem));
    summary.textContent = alerts.length ? `${alerts.length} alert${alerts.length > 1 ? "s" : ""} firing` : "No alert is firing";
    box.dataset.level = worst;
    box.dataset.state = "data";
  } catch (error) {
    list.replaceChildren();
    summary.textContent = `Alerts could not be read: ${error.message}`;
    box.dataset.level = "critical";
    box.dataset.state = "error";
  }
}

async function start() {
  const answer = await fetch("/dashboards.json");
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const described = await answer.json();
  dashboards = described.dashboards;
  byId("site").textContent = described.site;
  byId("range").addEventListener("change", (event) => change({ range: event.target.value }));
  byId("refresh").addEventListener("change", (event) => change({ refresh: event.target.value }));
  byId("controls").addEventListener("submit", (event) => {
    event.preventDefault();
    update();
  });
  addEventListener("hashchange", () => location.hash !== "#panels" && show());
  // Nobody looks at a hidden page.
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : update()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  await show();
}

start().catch((error) => (byId("status").textContent = `The dashboards could not be read: ${error.message}`));
