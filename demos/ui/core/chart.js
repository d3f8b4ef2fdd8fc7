// Lines over one axis, with the values under the pointer in the legend.

import { onWidth } from "./canvas.js";
import { element, svg } from "./dom.js";
import { short } from "./format.js";
import { clamp, onArrows } from "./keys.js";

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} color  a role; every line also has its own dash, so that nobody depends on hue
 * @property {string} [dash]
 * @property {number[][]} points  [x, y]
 *
 * @typedef {object} Chart
 * @property {Series[]} series
 * @property {string} x
 * @property {string} y
 * @property {boolean} [log]  logarithmic y
 * @property {boolean} [logx]  logarithmic x (x > 0)
 * @property {boolean} [dots]  show every point of a line of fewer than 30
 * @property {number | null} [low]  fixes the range, as a power of ten where `log`: values outside are drawn at its edge
 * @property {number | null} [high]
 * @property {[number, string][]} [marks]  vertical lines with a word
 * @property {[number, number, string][]} [cloud]  dots of no line; the nearest to the pointer, or reached by keys, is named
 * @property {string} [cloudNote]  stands in the legend before one is named
 * @property {(value: number) => string} [format]
 *
 * @typedef {object} Scale
 * @property {(x: number) => number} px
 * @property {(y: number) => number} py
 * @property {number[]} yTicks
 * @property {number[]} xTicks
 * @property {number} xLow
 * @property {number} xHigh
 */

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [240, 46, 12, 10, 36];
const PIXELS_PER_TICK = 70;

/** Round numbers between two, about `count` of them. @param {number} low @param {number} high @param {number} count */
export function ticks(low, high, count) {
  const raw = (high - low) / count || 1;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = /** @type {number} */ (
    [1, 2, 5, 10].map((multiple) => multiple * unit).find((size) => size >= 0.75 * raw)
  );
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: Math.floor((high - first) / step + 1e-6) + 1 }, (_, place) =>
    Number((first + place * step).toPrecision(12)),
  );
}

/** Powers of `base` between two exponents, at most about `count`. @param {number} base @param {number} low @param {number} high @param {number} count */
export function powers(base, low, high, count) {
  const step = Math.max(1, Math.ceil((high - low) / count));
  const first = Math.ceil(low / step - 1e-6) * step;
  return Array.from(
    { length: Math.max(0, Math.floor((high - first) / step + 1e-6) + 1) },
    (_, place) => base ** (first + place * step),
  );
}

/** @param {Chart} chart @param {number} width @returns {Scale | null} null where there is nothing to draw */
export function scaleOf(chart, width) {
  /** @param {number} x */
  const along = (x) => (chart.logx ? Math.log2(x) : x);
  /** @param {number} y */
  const up = (y) => (chart.log ? Math.log10(Math.max(y, 1e-12)) : y);
  const points = [...chart.series.flatMap((line) => line.points), ...(chart.cloud ?? [])].map(([x, y]) => [
    Number(x),
    Number(y),
  ]);
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (!finite.length) return null;
  const xs = finite.map(([x]) => x);
  const ys = finite.map(([, y]) => up(y));
  const [xLow, xHigh] = [Math.min(...xs), Math.max(...xs)];
  const yLow = chart.low ?? Math.min(...ys);
  const top = chart.high ?? Math.max(...ys);
  const yHigh = top === yLow ? yLow + 1 : top;
  const span = along(xHigh) - along(xLow) || 1;
  const room = clamp(Math.floor(width / PIXELS_PER_TICK), 4, 6);
  return {
    px: (x) => LEFT + ((along(x) - along(xLow)) / span) * (width - LEFT - RIGHT),
    py: (y) => HEIGHT - BOTTOM - clamp((up(y) - yLow) / (yHigh - yLow), 0, 1) * (HEIGHT - TOP - BOTTOM),
    yTicks: chart.log ? powers(10, yLow, yHigh, 5) : ticks(yLow, yHigh, 4),
    xTicks: chart.logx ? powers(2, along(xLow), along(xHigh), room) : ticks(xLow, xHigh, room),
    xLow,
    xHigh,
  };
}

/** @param {Chart} chart @param {Scale} scale @param {number} width */
function axes(chart, { px, py, xTicks, yTicks }, width) {
  const grid = yTicks.flatMap((value) => [
    svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: py(value), y2: py(value) }),
    svg("text", { class: "axis", x: LEFT - 6, y: py(value) + 4, "text-anchor": "end" }, short(value)),
  ]);
  const labels = xTicks.map((value) =>
    svg(
      "text",
      { class: "axis", x: px(value), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" },
      chart.logx ? String(value) : short(value),
    ),
  );
  return [
    ...grid,
    ...labels,
    svg("text", { class: "axis", x: width - RIGHT, y: HEIGHT - 4, "text-anchor": "end" }, chart.x),
  ];
}

/** @param {Chart} chart @param {Scale} scale @param {number} width */
function marks(chart, { px }, width) {
  return (chart.marks ?? []).flatMap(([at, text], index) => {
    const x = px(at);
    const right = x > width - 130;
    const label = {
      class: "mark-text",
      x: x + (right ? -4 : 4),
      y: TOP + 12 + 14 * (index % 4),
      "text-anchor": right ? "end" : "start",
    };
    return [svg("line", { class: "mark", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }), svg("text", label, text)];
  });
}

/** @param {Chart} chart @param {Scale} scale */
function lines(chart, { px, py }) {
  return chart.series.flatMap(({ color, dash, points }) => {
    const path = points
      .filter(([, y]) => Number.isFinite(y))
      .map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`);
    const line = svg("polyline", {
      class: "line",
      points: path.join(" "),
      stroke: `var(--gb-${color})`,
      "stroke-dasharray": dash || "none",
    });
    const dotted = points.length === 1 || (chart.dots && points.length < 30) ? points : [];
    return [line, ...dotted.map(([x, y]) => svg("circle", { cx: px(x), cy: py(y), r: 3, fill: `var(--gb-${color})` }))];
  });
}

/** The point of a line that is nearest along x; the last where `at` is null. @param {number[][]} points @param {number | null} at */
export function nearestPoint(points, at) {
  if (at === null) return points[points.length - 1];
  return points.reduce((best, point) => (Math.abs(point[0] - at) <= Math.abs(best[0] - at) ? point : best), points[0]);
}

/** @param {Chart} chart @param {number | null} at @param {[number, number, string] | undefined} dot */
function legendOf(chart, at, dot) {
  const format = chart.format ?? short;
  const about = chart.cloud ? [element("b", {}, dot ? `${dot[2]}: ${format(dot[1])}` : (chart.cloudNote ?? ""))] : [];
  const entries = chart.series.map(({ name, color, dash, points }) => {
    const stroke = {
      x1: 0,
      x2: 26,
      y1: 4,
      y2: 4,
      stroke: `var(--gb-${color})`,
      "stroke-width": 2.5,
      "stroke-dasharray": dash || "none",
    };
    const sample = svg("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, svg("line", stroke));
    const nearest = points.length ? nearestPoint(points, at) : null;
    return element(
      "span",
      { title: nearest ? `${chart.x} ${short(nearest[0])}` : "" },
      sample,
      nearest ? `${name}: ${format(nearest[1])}` : name,
    );
  });
  return [...about, ...entries];
}

/** A chart that lives in `frame`, its legend in `legend`. */
export class LineChart {
  /** @type {Chart | null} */ #chart = null;
  /** @type {Scale | null} */ #scale = null;
  /** @type {number | null} share of the frame's width */ #pointer = null;
  /** @type {number | null} index of a dot of the cloud */ #named = null;
  #width = 640; // CSS pixels, so that letters keep their size on a phone

  /** @param {HTMLElement} frame @param {HTMLElement} legend */
  constructor(frame, legend) {
    this.frame = frame;
    this.legend = legend;
    frame.classList.add("gb-chart-frame");
    legend.classList.add("gb-chart-legend");
    frame.addEventListener("pointermove", (event) => this.#point(event));
    frame.addEventListener("pointerleave", () => {
      [this.#pointer, this.#named] = [null, null];
      this.#draw();
    });
    onArrows(frame, (across) => this.#nameNext(across));
    onWidth(frame, (width) => {
      this.#width = width;
      this.#draw();
    });
  }

  /** @param {Chart} chart */
  show(chart) {
    [this.#chart, this.#named] = [chart, null];
    if (chart.cloud) this.frame.tabIndex = 0;
    this.#draw();
  }

  #draw() {
    const chart = this.#chart;
    const scale = chart && scaleOf(chart, this.#width);
    this.#scale = scale;
    if (!chart || !scale) return this.frame.replaceChildren();
    const at = this.#pointedAt(chart, scale);
    const ends = { y1: TOP, y2: HEIGHT - BOTTOM };
    const cursor = at === null ? null : svg("line", { class: "cursor", x1: scale.px(at), x2: scale.px(at), ...ends });
    const drawing = [...axes(chart, scale, this.#width), ...marks(chart, scale, this.#width), ...lines(chart, scale)];
    const about = { viewBox: `0 0 ${this.#width} ${HEIGHT}`, role: "img", "aria-label": `${chart.y} over ${chart.x}` };
    this.frame.replaceChildren(svg("svg", about, ...drawing, ...this.#dots(chart, scale), cursor));
    this.legend.replaceChildren(...legendOf(chart, at, this.#named === null ? undefined : chart.cloud?.[this.#named]));
  }

  /** @param {Chart} chart @param {Scale} scale */
  #dots({ cloud = [] }, { px, py }) {
    return cloud.map(([x, y], index) => {
      const chosen = index === this.#named;
      return svg("circle", { class: chosen ? "dot named" : "dot", cx: px(x), cy: py(y), r: chosen ? 5 : 3 });
    });
  }

  /** The x under the pointer, null outside. @param {Chart} chart @param {Scale} scale */
  #pointedAt({ logx }, { xLow, xHigh }) {
    if (this.#pointer === null) return null;
    const share = (this.#pointer * this.#width - LEFT) / (this.#width - LEFT - RIGHT);
    if (share < 0 || share > 1) return null;
    return logx ? xLow * (xHigh / xLow) ** share : xLow + share * (xHigh - xLow);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = this.frame.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    this.#pointer = x / box.width;
    if (this.#chart?.cloud && this.#scale) this.#named = nearestDot(this.#chart.cloud, this.#scale, x, y);
    this.#draw();
  }

  /** @param {number} step */
  #nameNext(step) {
    if (!step || !this.#chart?.cloud) return;
    this.#named = this.#named === null ? 0 : clamp(this.#named + step, 0, this.#chart.cloud.length - 1);
    this.#draw();
  }
}

/** @param {[number, number, string][]} cloud @param {Scale} scale @param {number} x @param {number} y */
function nearestDot(cloud, scale, x, y) {
  const far = cloud.map(([dotX, dotY]) => Math.hypot(scale.px(dotX) - x, scale.py(dotY) - y));
  return far.length ? far.indexOf(Math.min(...far)) : null;
}
