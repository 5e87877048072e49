// One panel: asks, then draws what came, or says why there is nothing. `data-state` is loading, data, empty or error.
import { draw } from "./chart.js";
import { element } from "./dom.js";
import { fill, graphPage, now, overTime } from "./prometheus.js";
import { format } from "./units.js";

const MOST_ROWS = 200;

function nameOf(metric, query, panel) {
  const name = query.legend.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? "").trim();
  return name || panel.title;
}

function level(value, thresholds) {
  if (!thresholds || !Number.isFinite(value)) return "good";
  const { warning, critical } = thresholds;
  const beyond = critical < warning ? (limit) => value <= limit : (limit) => value >= limit;
  return beyond(critical) ? "critical" : beyond(warning) ? "warning" : "good";
}

async function asked(panel, values, span, ask) {
  const answers = await Promise.all(panel.queries.map((query) => ask(fill(query.expr, values, span), span)));
  return answers.flatMap((found, index) => found.map((series) => ({ ...series, query: panel.queries[index] })));
}

async function graph(body, panel, { values, span }) {
  const found = await asked(panel, values, span, overTime);
  const series = found.map((one) => ({ name: nameOf(one.metric, one.query, panel), values: one.values, last: Number(one.values.at(-1)[1]) }));
  series.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  return series.length ? draw(body, series, panel, span) : undefined;
}

function sparkline(points, span) {
  const finite = points.filter(([, value]) => Number.isFinite(value));
  const top = Math.max(...finite.map(([, value]) => value), 0) || 1;
  const spot = ([time, value]) => `${((time - span.start) / (span.end - span.start)) * 100},${29 - (value / top) * 27}`;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(svg.namespaceURI, "polyline");
  line.setAttribute("points", finite.map(spot).join(" "));
  svg.append(line);
  return svg;
}

// The last point of a range is what the same query says now.
async function stat(body, panel, { values, span }) {
  const found = await asked(panel, values, span, overTime);
  const current = found.filter((one) => one.values.at(-1)[0] >= span.end);
  if (!current.length) return undefined;
  body.replaceChildren(
    ...current.map((one) => {
      const points = one.values.map(([time, value]) => [time, Number(value)]);
      const value = points.at(-1)[1];
      const state = level(value, panel.thresholds);
      const word = state === "good" ? undefined : element("span", { class: "word" }, state);
      return element("p", { class: "tile", "data-level": state }, element("strong", {}, format(value, one.query.unit ?? panel.unit)), word, sparkline(points, span));
    }),
  );
  return () => {};
}

function cell(text, column, row, panel, context) {
  if (!column.dashboard || !text) return text || "–";
  const chosen = {};
  for (const other of panel.columns) if (other.variable && row.labels[other.label]) chosen[other.variable] = row.labels[other.label];
  return element("a", { href: context.linkTo(column.dashboard, chosen) }, text);
}

function valueCell(value, query, panel) {
  const unit = query.unit ?? panel.unit;
  const made = element("td", { class: "number" }, value === undefined ? "–" : format(value, unit));
  if (unit === "ratio" && value !== undefined) {
    made.classList.add("bar");
    made.style.setProperty("--share", `${Math.min(Math.max(value, 0), 1) * 100}%`);
  }
  return made;
}

async function table(body, panel, context) {
  const found = await asked(panel, context.values, context.span, now);
  const rows = new Map();
  for (const one of found) {
    const labels = Object.fromEntries(panel.columns.map((column) => [column.label, one.metric[column.label] ?? ""]));
    const key = JSON.stringify(labels);
    if (!rows.has(key)) rows.set(key, { labels, values: new Map() });
    rows.get(key).values.set(one.query, Number(one.value[1]));
  }
  if (!rows.size) return undefined;
  const sorts = [...panel.columns.map((column) => (row) => row.labels[column.label]), ...panel.queries.map((query) => (row) => row.values.get(query) ?? -Infinity)];
  const titles = [...panel.columns.map((column) => column.title), ...panel.queries.map((query) => query.legend)];
  let order = body.sortedBy ?? { index: 0, up: true };
  const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other, undefined, { numeric: true }) : one - other);
  const fillIn = () => {
    const sorted = [...rows.values()].sort((one, other) => (order.up ? 1 : -1) * compare(sorts[order.index](one), sorts[order.index](other)));
    const lines = sorted.slice(0, MOST_ROWS).map((row) =>
      element(
        "tr",
        {},
        ...panel.columns.map((column) => element("td", {}, cell(row.labels[column.label], column, row, panel, context))),
        ...panel.queries.map((query) => valueCell(row.values.get(query), query, panel)),
      ),
    );
    const heads = titles.map((title, index) => {
      const sort = order.index === index ? (order.up ? "ascending" : "descending") : "none";
      const number = index >= panel.columns.length;
      const press = () => {
        order = body.sortedBy = { index, up: order.index === index ? !order.up : !number };
        fillIn();
        body.querySelectorAll("th button")[index].focus();
      };
      return element("th", { scope: "col", "aria-sort": sort, class: number ? "number" : undefined }, element("button", { type: "button", onclick: press }, title));
    });
    const rest = sorted.length - lines.length;
    body.replaceChildren(
      element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": panel.title },
        element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines))),
      ...(rest > 0 ? [element("p", { class: "more" }, `and ${rest} more`)] : []),
    );
  };
  fillIn();
  return () => {};
}

const KINDS = { graph, stat, table };

// Returns the panel's element with a function `update(context)`; context is {values, span, range, linkTo}.
export function makePanel(panel) {
  const body = element("div", { class: "body" });
  const message = element("p", { class: "message" }, "Loading …");
  const pages = element("p", {});
  const help = element("details", { class: "help" }, element("summary", { "aria-label": `About ${panel.title}` }, "?"), element("div", {}, element("p", {}, panel.help), pages));
  help.addEventListener("keydown", (event) => event.key === "Escape" && ((help.open = false), help.firstChild.focus()));
  const made = element("section", { class: "panel", "data-kind": panel.kind, "data-width": panel.width, "data-state": "loading" },
    element("div", { class: "head" }, element("h3", {}, panel.title), help), message, body);
  let remove = () => {};
  const say = (state, text) => {
    made.dataset.state = state;
    message.textContent = text;
  };
  made.update = async (context) => {
    made.setAttribute("aria-busy", "true");
    const links = panel.queries.map((query, index) => element("a", { href: graphPage(fill(query.expr, context.values, context.span), context.range) }, panel.queries.length > 1 ? `query ${index + 1}` : "query"));
    pages.replaceChildren("Open in Prometheus: ", ...links.flatMap((link, index) => (index ? [", ", link] : [link])));
    try {
      const before = remove;
      const after = await KINDS[panel.kind](body, panel, context);
      before();
      remove = after ?? (() => {});
      if (!after) body.replaceChildren();
      say(after ? "data" : "empty", after ? "" : "No data for this selection and time.");
    } catch (error) {
      say("error", `This query failed: ${error.message}`);
    } finally {
      made.removeAttribute("aria-busy");
    }
  };
  made.give = (text) => say("empty", text);
  return made;
}
