// Where a query reads the feature map: the sampling points of every head in one decoder layer, larger where they weigh
// more.

import { part } from "../core/arrays.js";
import { strokeBox } from "../core/canvas.js";
import { element } from "../core/dom.js";
import { role } from "../core/ramps.js";
import { cornersOf, writeOn } from "./boxes.js";
import { layerAndHead } from "./query_choice.js";
import { REFERENCE } from "./query_trace.js";

export class QueryPoints {
  /** @param {import("./query_steps.js").Tools} tools */
  constructor(tools) {
    this.tools = tools;
  }

  /** Head, x, y and weight of each point of the chosen layer and query; none while they are on their way. */
  get #points() {
    const { state, trace, redraw } = this.tools;
    const all = trace().points;
    if (!all) {
      trace().fetchPoints(redraw);
      return [];
    }
    const { data, shape } = part(all, state.layer, state.query);
    return Array.from({ length: shape[0] * shape[1] }, (_, index) => ({
      head: Math.floor(index / shape[1]),
      x: data[3 * index],
      y: data[3 * index + 1],
      weight: data[3 * index + 2],
    }));
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  paint(context, width, height) {
    const { state } = this.tools;
    const trace = this.tools.trace();
    const [ink, paper] = [role("query"), role("paper")];
    const answer = cornersOf(trace.box(state.layer + 2, state.query));
    strokeBox(context, answer, width, height, { color: role("prediction") });
    const reference = cornersOf(trace.box(REFERENCE, state.query));
    strokeBox(context, reference, width, height, { color: ink, dash: [6, 4] });
    const alone = state.head !== null;
    for (const { head, x, y, weight } of this.#points) {
      if (alone && head !== state.head) continue;
      context.beginPath();
      context.arc(x * width, y * height, (alone ? 4 : 2.5) + 6 * weight, 0, 2 * Math.PI);
      context.globalAlpha = 0.3 + 0.7 * weight;
      context.fillStyle = ink;
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = 1.5;
      context.strokeStyle = paper;
      context.stroke();
      if (alone) writeOn(context, weight.toFixed(2), x * width + 8, y * height - 9, ink);
    }
    writeOn(context, trace.view.stages[state.layer + 2], 4, 4, ink);
  }

  show() {
    const { trace, state } = this.tools;
    const [heads, points] = trace().view.points.shape.slice(2);
    const placed = this.#points;
    const outside = placed.filter(({ x, y }) => x < 0 || x > 1 || y < 0 || y > 1).length;
    const where = outside
      ? `${outside} of the points lie outside of the picture and read zeros.`
      : "All of them lie inside the picture.";
    const text =
      `In layer ${state.layer + 1} query ${state.query} reads the feature map at ${heads * points} points, ` +
      `${points} for each of ${heads} heads, placed around its reference box (dashed). The weights of a head sum ` +
      `to 1. ${placed.length ? where : "They are on their way …"} The solid box is the answer after this layer.`;
    return [...layerAndHead(this.tools, heads, "all"), element("p", { class: "text" }, text)];
  }
}
