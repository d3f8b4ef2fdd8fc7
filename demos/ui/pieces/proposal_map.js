// All proposals at once: the best score of any class at every position of the feature map, and which became queries.

import { paintScale, strokeBox } from "../core/canvas.js";
import { element } from "../core/dom.js";
import { role, sequential } from "../core/ramps.js";
import { cornersOf } from "./boxes.js";
import { PROPOSAL } from "./query_trace.js";

export class ProposalMap {
  #readout = element("p", { class: "text", "aria-live": "polite" });

  /** @param {import("./query_steps.js").Tools} tools */
  constructor(tools) {
    this.tools = tools;
  }

  get #largest() {
    return Math.max(1e-9, ...this.tools.trace().proposals);
  }

  /** The cell of a position in shares of the picture. @param {number} position */
  #cell(position) {
    const { rows, columns } = this.tools.trace().view.proposals;
    const [left, top] = [(position % columns) / columns, Math.floor(position / columns) / rows];
    return [left, top, left + 1 / columns, top + 1 / rows];
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  paint(context, width, height) {
    const trace = this.tools.trace();
    const { query } = this.tools.state;
    const largest = this.#largest;
    trace.proposals.forEach((score, position) => {
      const share = score / largest;
      const [left, top, right, bottom] = this.#cell(position);
      context.fillStyle = `rgba(${sequential(share).join()},${0.35 + 0.45 * share})`;
      context.fillRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
    });
    for (const position of trace.chosen) {
      const [left, top, right, bottom] = this.#cell(position);
      context.beginPath();
      context.arc(((left + right) / 2) * width, ((top + bottom) / 2) * height, 2.5, 0, 2 * Math.PI);
      context.fillStyle = "#ffffff";
      context.fill();
      context.lineWidth = 1;
      context.strokeStyle = "#0f172a";
      context.stroke();
    }
    strokeBox(context, this.#cell(trace.chosen[query]), width, height, { color: role("query"), thickness: 3 });
    const proposal = cornersOf(trace.box(PROPOSAL, query));
    strokeBox(context, proposal, width, height, { color: role("query"), dash: [6, 4] });
  }

  show() {
    const trace = this.tools.trace();
    const { rows, columns } = trace.view.proposals;
    this.#readout.textContent = this.#describe(trace.chosen[this.tools.state.query]);
    const text =
      `One proposal at each of ${rows} x ${columns} positions. Dots mark the ${trace.queries} with the highest scores: ` +
      "there the queries start. Click a dot for its query; its proposal is dashed.";
    return [this.#scale(), element("p", { class: "text" }, text), this.#readout];
  }

  /** @param {number} x @param {number} y */
  hover(x, y) {
    this.#readout.textContent = this.#describe(this.#positionAt(x, y));
  }

  /** @param {number} x @param {number} y */
  pick(x, y) {
    const taken = this.tools.trace().chosen.indexOf(this.#positionAt(x, y));
    if (taken >= 0) this.tools.choose(taken);
  }

  /** @param {number} x @param {number} y */
  #positionAt(x, y) {
    const { rows, columns } = this.tools.trace().view.proposals;
    return Math.min(rows - 1, Math.floor(y * rows)) * columns + Math.min(columns - 1, Math.floor(x * columns));
  }

  /** @param {number} position */
  #describe(position) {
    const trace = this.tools.trace();
    const taken = trace.chosen.indexOf(position);
    const owner = taken < 0 ? "no query started here" : `query ${taken} started here`;
    const label = trace.view.labels[trace.view.proposals.labels[position]];
    const place = trace.placeOf(position);
    return `${place[0].toUpperCase()}${place.slice(1)}: ${label} ${trace.proposals[position].toFixed(2)}; ${owner}.`;
  }

  #scale() {
    const ramp = element("canvas");
    paintScale(ramp, sequential);
    const most = `${this.#largest.toFixed(2)}, the highest score of any class`;
    return element("div", { class: "map-scale" }, element("span", {}, "0"), ramp, element("span", {}, most));
  }
}
