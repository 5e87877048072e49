// A graph by dygraphs, with a legend of its own: dygraphs' is markup with styles in it, which the page's policy forbids.
import { element } from "./dom.js";
import { format } from "./units.js";

// Even when it shows nothing, it measures itself with such markup.
Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);

const COLOURS = 8;
const colour = (index) => getComputedStyle(document.documentElement).getPropertyValue(`--series-${index % COLOURS}`).trim();

function rows(series, span) {
  const times = Array.from({ length: Math.round((span.end - span.start) / span.step) + 1 }, (_, index) => span.start + index * span.step);
  const values = series.map((one) => new Map(one.values.map(([time, value]) => [time, Number(value)])));
  return times.map((time) => [new Date(time * 1000), ...values.map((one) => one.get(time) ?? null)]);
}

function legend(series, unit, toggle) {
  const values = series.map((one) => element("span", { class: "value" }, format(one.last, unit)));
  const items = series.map((one, index) => {
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = colour(index);
    const button = element("button", { type: "button", "aria-pressed": "true" }, swatch, element("span", { class: "name" }, one.name), values[index]);
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      toggle(index, shown);
    });
    return element("li", {}, button);
  });
  const show = (at) => values.forEach((value, index) => (value.textContent = format(at(index), unit)));
  return { list: element("ul", { class: "legend", "aria-label": "Series" }, ...items), show };
}

// `series` is [{name, values, last}]; returns the function that takes the graph away.
export function draw(place, series, panel, span) {
  const canvas = element("div", { class: "canvas", role: "img" });
  canvas.setAttribute("aria-label", `${panel.title}: ${series.map((one) => `${one.name} ${format(one.last, panel.unit)}`).join(", ")}`);
  let graph;
  const { list, show } = legend(series, panel.unit, (index, shown) => graph.setVisibility(index, shown));
  place.replaceChildren(canvas, list);
  const style = getComputedStyle(document.documentElement);
  // A finger scrolls the page; a mouse zooms.
  const { touchstart, touchmove, touchend, ...mouse } = Dygraph.defaultInteractionModel;
  graph = new Dygraph(canvas, rows(series, span), {
    labels: ["time", ...series.map((one, index) => `${index} ${one.name}`)],
    colors: series.map((_, index) => colour(index)),
    labelsKMG2: panel.unit.startsWith("bytes"),
    stackedGraph: panel.stacked,
    fillGraph: panel.stacked || series.length === 1,
    fillAlpha: panel.stacked ? 0.35 : 0.12,
    strokeWidth: 1.6,
    includeZero: true,
    valueRange: panel.maximum ? [0, panel.maximum * 1.02] : [0, null],
    dateWindow: [span.start * 1000, span.end * 1000],
    gridLineColor: style.getPropertyValue("--grid").trim(),
    axisLineColor: style.getPropertyValue("--grid").trim(),
    axes: {
      x: { axisLabelWidth: 64, pixelsPerLabel: 76 },
      y: { axisLabelWidth: 66, pixelsPerLabel: 28, axisLabelFormatter: (value) => format(value, panel.unit) },
    },
    interactionModel: mouse,
    highlightCircleSize: 3,
    highlightCallback: (_, __, points) => show((index) => points.find((point) => point.name.startsWith(`${index} `))?.yval),
    unhighlightCallback: () => show((index) => series[index].last),
  });
  return () => graph.destroy();
}
