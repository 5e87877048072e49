// How numbers are written, by the unit that a dashboard says.

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const COUNTS = ["", " k", " M", " G"];

function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.01) return value.toExponential(1);
  return value.toFixed(size < 1 ? 2 : size < 10 ? 1 : 0).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

function scaled(value, step, names) {
  let index = 0;
  while (Math.abs(value) >= step && index < names.length - 1) {
    value /= step;
    index += 1;
  }
  return [digits(value), names[index]];
}

function time(value) {
  if (Math.abs(value) < 1) return `${digits(value * 1000)} ms`;
  return value < 120 ? `${digits(value)} s` : value < 7200 ? `${digits(value / 60)} min` : `${digits(value / 3600)} h`;
}

const WRITERS = {
  ratio: (value) => `${digits(value * 100)} %`,
  bytes: (value) => scaled(value, 1024, BINARY).join(" "),
  bytes_per_second: (value) => `${scaled(value, 1024, BINARY).join(" ")}/s`,
  per_second: (value) => `${scaled(value, 1000, COUNTS).join("")}/s`,
  celsius: (value) => `${digits(value)} °C`,
  watts: (value) => `${digits(value)} W`,
  cores: (value) => `${digits(value)} cores`,
  count: (value) => (Math.abs(value) < 10000 ? digits(value) : scaled(value, 1000, COUNTS).join("")),
  seconds: time,
};

export function format(value, unit) {
  return Number.isFinite(value) ? WRITERS[unit](value) : "–";
}

const SECONDS = { m: 60, h: 3600, d: 86400 };

export function seconds(duration) {
  return Number(duration.slice(0, -1)) * SECONDS[duration.slice(-1)];
}
