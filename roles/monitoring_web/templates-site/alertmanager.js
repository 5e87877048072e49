// What Alertmanager is asked: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml

const API = "/alertmanager/api/v2/";
const MATCHER = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)(.*\S)\s*$/;

// As whom the browser has signed in, by the web server's word.
let user = "";

async function ask(path, options) {
  let response;
  try {
    response = await fetch(API + path, options);
  } catch {
    throw new Error("no answer from the server");
  }
  const text = await response.text();
  if ([401, 403].includes(response.status)) throw new Error("only administrators silence alerts");
  if (!response.ok) throw new Error(text || `Alertmanager does not answer (HTTP ${response.status})`);
  user = response.headers.get("Monitoring-User") ?? user;
  return text ? JSON.parse(text) : undefined;
}

export async function alertsNow() {
  const alerts = await ask("alerts");
  // The watchdog always fires, so that its silence is noticed by those who get the mails.
  return alerts.filter((alert) => alert.labels.alertname !== "Watchdog");
}

// Those that hold or are about to, the first to end first.
export async function silences() {
  const found = (await ask("silences")).filter((silence) => silence.status.state !== "expired");
  return found.sort((one, other) => one.endsAt.localeCompare(other.endsAt));
}

export function silence(matchers, minutes, comment) {
  const startsAt = new Date();
  const endsAt = new Date(startsAt.getTime() + minutes * 60000);
  const body = JSON.stringify({ matchers, comment, createdBy: user, startsAt, endsAt });
  return ask("silences", { method: "POST", headers: { "Content-Type": "application/json" }, body });
}

export const end = (id) => ask(`silence/${encodeURIComponent(id)}`, { method: "DELETE" });

export function matcher(text) {
  const [, name, mark, value] = MATCHER.exec(text) ?? [];
  if (!name) throw new Error(`${text} says nothing about a label: write node=gpu1 or alertname=~Node.+`);
  return { name, value, isRegex: mark.includes("~"), isEqual: !mark.includes("!") };
}

export function words({ name, value, isRegex, isEqual = true }) {
  const mark = isEqual ? (isRegex ? "=~" : "=") : isRegex ? "!~" : "!=";
  return `${name}${mark}${value}`;
}

// The labels that tell an alert from others; every alert of a site has the rest.
export function telling(labels) {
  return Object.entries(labels).filter(([name]) => !["cluster", "severity"].includes(name));
}

// Where an alert with these labels is silenced.
export const silencePage = (labels) => `/silences.html?${new URLSearchParams(telling(labels))}`;
