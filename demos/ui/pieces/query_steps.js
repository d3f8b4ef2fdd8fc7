// A query's way: proposal, reference box, and the box and scores after each decoder layer, with the arithmetic.

import { signOf } from "../core/arithmetic.js";
import { strokeBox } from "../core/canvas.js";
import { chip, chipRow, element } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { role } from "../core/ramps.js";
import { cornersOf, writeOn } from "./boxes.js";
import { indexOfLargest, PROPOSAL, REFERENCE } from "./query_trace.js";

/** @typedef {import("./query_trace.js").QueryTrace} QueryTrace */

/**
 * @typedef {object} Tools  what a panel of `box_figure` is made with
 * @property {{ view: string, query: number, stage: number, layer: number, head: number | null }} state
 * @property {() => QueryTrace} trace
 * @property {(what: Partial<Tools["state"]>) => void} change
 * @property {(query: number) => void} choose
 * @property {() => void} redraw
 * @property {any} server
 */

const MOST_BARS = 30;
const STEP_MS = 700;

/** A bar for every class. @param {QueryTrace} trace @param {number} stage @param {number} query */
export function classBars(trace, stage, query) {
  const scores = trace.scores(stage, query);
  if (!scores) return element("p", { class: "text" }, "A reference box is only a place: it has no scores of its own.");
  const order = [...scores.keys()];
  const best = indexOfLargest(scores);
  const listed = order.length > MOST_BARS ? order.sort((a, b) => scores[b] - scores[a]).slice(0, MOST_BARS) : order;
  const many = listed.length < scores.length ? ` (the ${MOST_BARS} highest of ${scores.length})` : "";
  const title =
    `Score of every class after ${trace.view.stages[stage]}${many}; each is asked for on its own, ` +
    "they need not sum to 1";
  const bars = listed.map((label) =>
    element(
      "div",
      { class: label === best ? "gb-bar-row best" : "gb-bar-row" },
      element("span", { class: "gb-bar-name" }, trace.view.labels[label]),
      element(
        "span",
        { class: "gb-track" },
        element("span", { class: "gb-fill", style: { width: `${100 * scores[label]}%` } }),
      ),
      element("span", { class: "gb-number" }, scores[label].toFixed(2)),
    ),
  );
  return element("div", {}, element("p", { class: "bars-name" }, title), element("div", { class: "bars" }, ...bars));
}

export class QuerySteps {
  #playing = 0;

  /** @param {Tools} tools */
  constructor(tools) {
    this.tools = tools;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  paint(context, width, height) {
    const { state } = this.tools;
    const trace = this.tools.trace();
    for (let before = 0; before < state.stage; before++) {
      const style = { color: role("query"), dash: [5, 4], thickness: 1.5, alpha: 0.75 };
      strokeBox(context, cornersOf(trace.box(before, state.query)), width, height, style);
    }
    const corners = cornersOf(trace.box(state.stage, state.query));
    const color = role(state.stage <= REFERENCE ? "query" : "prediction");
    strokeBox(context, corners, width, height, { color, thickness: 3.5 });
    const said = trace.said(state.stage, state.query);
    const name = trace.view.stages[state.stage];
    writeOn(context, said ? `${name}: ${said}` : name, corners[0] * width, corners[1] * height - 20, color);
  }

  show() {
    const { state, change } = this.tools;
    const trace = this.tools.trace();
    const chips = trace.view.stages.map((name, stage) =>
      chip(name, stage === state.stage, () => {
        this.#stop();
        change({ stage });
      }),
    );
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches)
      chips.push(chip(this.#playing ? "stop" : "play", false, () => this.#play()));
    const left = element("div", {}, element("p", { class: "text" }, story(trace, state.stage, state.query)));
    if (state.stage !== PROPOSAL) left.append(decoding(trace, state.stage, state.query));
    const bars = classBars(trace, state.stage, state.query);
    return [chipRow("stage", chips), element("div", { class: "steps-columns" }, left, bars)];
  }

  #play() {
    if (this.#playing) {
      this.#stop();
      return this.tools.redraw();
    }
    this.#playing = window.setInterval(() => this.#step(), STEP_MS);
    return this.tools.change({ stage: 0 });
  }

  #step() {
    const { state, trace, change } = this.tools;
    if (state.view === "layer by layer" && state.stage < trace().lastStage) return change({ stage: state.stage + 1 });
    this.#stop();
    return this.tools.redraw();
  }

  #stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
  }
}

/** @param {QueryTrace} trace @param {number} stage @param {number} query */
function story(trace, stage, query) {
  const { proposals, stages } = trace.view;
  if (stage === PROPOSAL)
    return (
      `The proposal: predicted at ${trace.placeOf(trace.chosen[query])} of the ${proposals.rows} x ` +
      `${proposals.columns} feature map. By its best score it is number ${query + 1} of ` +
      `${trace.proposals.length}; the first ${trace.queries} become the queries' starts, in this order.`
    );
  if (stage === REFERENCE)
    return (
      `The reference box: the proposal, moved a little by four numbers that query ${query} has learned and adds ` +
      "to every picture's proposal. It stays the same in all decoder layers."
    );
  return `After ${stages[stage]}: the box is the reference moved by four numbers that the box head reads off the query.`;
}

/** How a box is made: x and y move by shares of the box, width and height by a factor. @param {QueryTrace} trace @param {number} stage @param {number} query */
function decoding(trace, stage, query) {
  const base = stage === REFERENCE ? PROPOSAL : REFERENCE;
  const [from, delta, result] = [trace.box(base, query), trace.move(stage, query), trace.box(stage, query)];
  const head = ["", trace.view.stages[base], "moved by the delta", "box", "in pixels, rounded"];
  const rows = decodingTexts(from, delta, result, [trace.view.width, trace.view.height]).map(
    ([name, start, how, made, pixels]) =>
      element(
        "tr",
        {},
        element("th", {}, name),
        element("td", { class: "from" }, start),
        element("td", {}, how),
        element("td", { class: "result" }, made),
        element("td", {}, pixels),
      ),
  );
  const titles = element("tr", {}, ...head.map((name) => element("th", {}, name)));
  return element("div", { class: "scroll" }, element("table", { class: "decode" }, titles, ...rows));
}

/**
 * For x, y, width and height: its name, from where, by what, the result, and that in pixels.
 * @param {ArrayLike<number>} from @param {ArrayLike<number>} delta @param {ArrayLike<number>} result @param {number[]} size
 */
export function decodingTexts(from, delta, result, size) {
  return ["x", "y", "width", "height"].map((name, side) => {
    const start = number(from[side]);
    const how = side < 2 ? `${signed(delta[side])} × ${number(from[side + 2])}` : `× e^${number(delta[side])}`;
    const made = `${signOf(`${start} ${how}`, result[side], number)} ${number(result[side])}`;
    return [name, start, how, made, (result[side] * size[side % 2]).toFixed(1)];
  });
}

/** @param {number} value */
const number = (value) => fixed(value, 4);

/** @param {number} value */
const signed = (value) => (value < 0 ? `− ${number(-value)}` : `+ ${number(value)}`);
