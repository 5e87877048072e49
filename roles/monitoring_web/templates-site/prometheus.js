// What Prometheus is asked, and how what is selected gets into its queries.

const API = "/prometheus/api/v1/";
const POINTS = 240;
// Collectors are read every 15 s: a rate needs several readings.
const SHORTEST_STEP = 15;
const SHORTEST_WINDOW = 120;
export const ALL = ".*";

async function answer(path, form) {
  const options = form ? { method: "POST", body: new URLSearchParams(form) } : {};
  let response;
  try {
    response = await fetch(API + path, options);
  } catch {
    throw new Error("no answer from the server");
  }
  const body = await response.json().catch(() => undefined);
  if (!response.ok || body?.status !== "success") {
    throw new Error(body?.error ?? `Prometheus does not answer (HTTP ${response.status})`);
  }
  return body.data;
}

// `seconds` that end at the same moment for every panel.
export function spanOf(seconds) {
  const step = Math.max(SHORTEST_STEP, Math.ceil(seconds / POINTS / SHORTEST_STEP) * SHORTEST_STEP);
  const end = Math.floor(Date.now() / 1000);
  return { start: end - Math.floor(seconds / step) * step, end, step, seconds };
}

const literal = (value) => value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\\/g, "\\\\").replace(/"/g, '\\"');

export function fill(expr, values, span) {
  const given = { range: `${span.seconds}s`, interval: `${Math.max(SHORTEST_WINDOW, 2 * span.step)}s` };
  return expr.replace(/\$([a-z_]+)/g, (_, name) => given[name] ?? (values[name] === ALL ? ALL : literal(values[name] ?? "")));
}

export async function now(expr, span) {
  return (await answer("query", { query: expr, time: span.end })).result;
}

export async function overTime(expr, span) {
  const { start, end, step } = span;
  return (await answer("query_range", { query: expr, start, end, step })).result;
}

// The values of a label in the series of an expression, as people sort them.
export async function labelValues(label, expr, span) {
  const found = await now(`group by (${label}) (${expr})`, span);
  const values = found.map((series) => series.metric[label]).filter(Boolean);
  return values.sort((one, other) => one.localeCompare(other, undefined, { numeric: true }));
}

export async function firingAlerts() {
  const { alerts } = await answer("alerts");
  // The watchdog always fires, so that its silence is noticed by those who get the mails.
  return alerts.filter((alert) => alert.state === "firing" && alert.labels.alertname !== "Watchdog");
}

export function graphPage(expr, range) {
  return `/prometheus/classic/graph?${new URLSearchParams({ "g0.expr": expr, "g0.tab": 0, "g0.range_input": range })}`;
}
