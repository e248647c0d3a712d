// Ages and rates as live plots with their tables; drawn only while they are looked at.

import uPlot from "uplot";
import { $, duration, make } from "./dom.js";
import { readable, t } from "./words.js";

const SPAN_S = 60;
const AGE_EVERY = 2; // of 20 states a second: 10 points a second
const COLORS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6", "--series-7", "--series-8"];

export class Plots {
  #hello = null;
  #ages = null;
  #rates = null;
  #ageData = [];
  #rateData = [];
  #shownStreams = [];
  #turn = 0;
  #state = null;
  #figures = null;

  constructor() {
    new ResizeObserver(() => this.#resize()).observe($("pane-timing"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
  }

  greet(hello) {
    this.#hello = hello;
    this.#shownStreams = hello.streams.map((stream, i) => ({ ...stream, i })).filter((stream) => isShown(stream, hello));
    this.#ageData = [[], ...hello.sensors.map(() => [])];
    this.#rateData = [[], ...this.#shownStreams.map(() => [])];
    this.rebuild();
  }

  /** Draw anew: another language or theme, or the pane has just been opened. */
  rebuild() {
    if (!this.#hello) return;
    this.#ages?.destroy();
    this.#rates?.destroy();
    this.#ages = this.#rates = null;
    if (!this.#isLooked) return;
    this.#ages = plot($("plot-ages"), this.#hello.sensors.map((sensor) => readable(sensor.name)), this.#ageData, duration);
    this.#rates = plot($("plot-rates"), this.#shownStreams.map((stream) => readable(stream.name)), this.#rateData, hertz);
    this.#tables();
  }

  get #isLooked() {
    return !$("pane-timing").hidden && $("plot-ages").clientWidth > 0;
  }

  update(state) {
    this.#state = state;
    this.#turn += 1;
    if (this.#turn % AGE_EVERY) return;
    push(this.#ageData, state.ages_s.map((age) => (age !== null && age > 0 ? age : null)));
    if (this.#ages && this.#isLooked && this.#turn % (2 * AGE_EVERY) === 0) this.#ages.setData(this.#ageData);
  }

  figures(figures) {
    this.#figures = figures;
    push(this.#rateData, this.#shownStreams.map(({ i }) => figures.streams[i][0] || null));
    if (!this.#isLooked) return;
    this.#rates?.setData(this.#rateData);
    this.#tables();
  }

  #tables() {
    if (!this.#figures) return;
    const now = this.#state?.ages_s ?? [];
    fill($("table-ages"), ["sensor", "now", "p50", "p99", "p999", "max"], this.#hello.sensors.map((sensor, i) => {
      const row = this.#figures.ages[i];
      const rest = row ? [row.p50, row.p99, row.p999, row.largest].map(duration) : ["–", "–", "–", "–"];
      return [readable(sensor.name), now[i] === null || now[i] === undefined ? t("notUsed") : duration(now[i]), ...rest];
    }));
    fill($("table-rates"), ["stream", "rate", "nominal", "age", "count"], this.#hello.streams.map((stream, i) => {
      const [rate, age, count] = this.#figures.streams[i];
      return [stream.name, rate === null ? "–" : hertz(rate), stream.rate_hz ? hertz(stream.rate_hz) : t("onEvent"),
        age === null ? t("never") : duration(age), count.toLocaleString(document.documentElement.lang)];
    }));
  }

  #resize() {
    if (!this.#ages) {
      if (this.#isLooked) this.rebuild();
      return;
    }
    for (const one of [this.#ages, this.#rates]) {
      const width = one.root.parentElement.clientWidth;
      if (width && width !== one.width) one.setSize({ width, height: one.height });
    }
  }
}

/** Streams worth a curve: the robot's sensors and its loop. */
function isShown(stream, hello) {
  const names = new Set([...hello.sensors.map((sensor) => sensor.name), "joint_state", "joint_command", "scene"]);
  return names.has(stream.name);
}

function push(data, values) {
  const now = Date.now() / 1000;
  data[0].push(now);
  values.forEach((value, i) => data[i + 1].push(value));
  while (data[0].length && data[0][0] < now - SPAN_S) for (const series of data) series.shift();
}

function hertz(value) {
  if (value === null || value === undefined) return "–";
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} Hz`;
}

function plot(target, labels, data, format) {
  const css = getComputedStyle(document.documentElement);
  const color = (name) => css.getPropertyValue(name).trim();
  const axis = { stroke: color("--ink-2"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 }, font: "11px system-ui, sans-serif" };
  const series = labels.map((label, i) => ({
    label, stroke: color(COLORS[i % COLORS.length]), width: 1.75, points: { show: false }, spanGaps: false,
    value: (_, value) => (value === null || value === undefined ? "–" : format(value)),
  }));
  target.replaceChildren();
  target.plot = new uPlot({
    width: target.clientWidth, height: 190, series: [{ value: (_, x) => (x ? new Date(1000 * x).toLocaleTimeString(document.documentElement.lang) : "–") }, ...series],
    scales: { x: { time: true }, y: { distr: 3, range: (_, low, high) => decade(low, high) } },
    axes: [{ ...axis, size: 32, values: (_, splits) => splits.map((x) => new Date(1000 * x).toLocaleTimeString(document.documentElement.lang, { minute: "2-digit", second: "2-digit" })) },
      { ...axis, size: 62, values: (_, splits) => splits.map((y) => (isDecade(y) ? format(y) : "")) }],
    legend: { live: false }, cursor: { y: false, drag: { x: false, y: false } },
  }, data, target);
  return target.plot;
}

/** The range of a logarithmic axis: whole decades around the values. */
function decade(low, high) {
  if (low === null || high === null) return [0.001, 1];
  return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.0001))];
}

function isDecade(value) {
  return Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6;
}

function fill(table, heads, rows) {
  table.tHead.replaceChildren(make("tr", {}, ...heads.map((key) => make("th", { scope: "col" }, t(key)))));
  table.tBodies[0].replaceChildren(...rows.map(([name, ...cells]) => make("tr", {}, make("th", { scope: "row" }, name),
    ...cells.map((text) => make("td", { className: "figure" }, text)))));
}
