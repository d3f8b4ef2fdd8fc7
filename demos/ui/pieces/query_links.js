// Whom a query attends to: lines to the other queries' boxes, as wide as their weight. Asked for when looked at.

import { load, part } from "../core/arrays.js";
import { strokeBox } from "../core/canvas.js";
import { chip, element } from "../core/dom.js";
import { role } from "../core/ramps.js";
import { cornersOf, writeOn } from "./boxes.js";
import { layerAndHead } from "./query_choice.js";

const MOST_LINKS = 8;
const MOST_NUMBERS = 4;
const UNREACHABLE = "The server could not be reached.";

/** @typedef {{ rows?: import("../core/arrays.js").NumericArray, problem?: string }} Answer  rows [layers, heads, queries] */

export class QueryLinks {
  /** @type {Map<string, Answer>} by run and query */ #answers = new Map();

  /** @param {import("./query_steps.js").Tools} tools */
  constructor(tools) {
    this.tools = tools;
  }

  /** What is known of the chosen query; it is asked for where nothing is. @returns {Answer} */
  get #answer() {
    const { run } = this.tools.trace().view;
    const { query } = this.tools.state;
    const key = `${run} ${query}`;
    const known = this.#answers.get(key);
    if (known) return known;
    this.#answers.set(key, {});
    this.#ask(run, query).then((answer) => {
      this.#answers.set(key, answer);
      this.tools.redraw();
    });
    return {};
  }

  /** @param {string} run @param {number} query @returns {Promise<Answer>} */
  async #ask(run, query) {
    try {
      const answer = await this.tools.server.query_rows({ run, query }).catch(() => ({ error: UNREACHABLE }));
      return answer.error ? { problem: answer.error } : { rows: await load(answer.weights) };
    } catch (error) {
      return { problem: /** @type {Error} */ (error).message };
    }
  }

  /** Weights of the chosen layer, of its head or the mean of its heads; null while they are on their way. */
  get #weights() {
    const { rows } = this.#answer;
    if (!rows) return null;
    const { layer, head } = this.tools.state;
    if (head !== null) return Array.from(part(rows, layer, head).data);
    const { data, shape } = part(rows, layer);
    const [heads, queries] = shape;
    return Array.from({ length: queries }, (_, query) => {
      let sum = 0;
      for (let one = 0; one < heads; one++) sum += data[one * queries + query];
      return sum / heads;
    });
  }

  /** @param {number[]} row */
  #strongest(row) {
    const others = [...row.keys()].filter((query) => query !== this.tools.state.query);
    return others.sort((a, b) => row[b] - row[a]).slice(0, MOST_LINKS);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  paint(context, width, height) {
    const { state } = this.tools;
    const trace = this.tools.trace();
    const row = this.#weights;
    /** @param {number} query */
    const corners = (query) => cornersOf(trace.box(state.layer + 2, query));
    /** @param {number} query */
    const centre = (query) =>
      [...trace.box(state.layer + 2, query)].map((share, side) => share * (side ? height : width));
    if (row) {
      const others = this.#strongest(row);
      for (const query of [...others].reverse()) {
        const share = row[query] / (row[others[0]] || 1);
        const style = { color: role("key"), thickness: 1.5, alpha: 0.35 + 0.6 * share };
        strokeBox(context, corners(query), width, height, style);
        link(context, centre(state.query), centre(query), share);
      }
      writeWeights(context, others.slice(0, MOST_NUMBERS), row, centre);
    }
    strokeBox(context, corners(state.query), width, height, { color: role("query"), thickness: 3.5 });
  }

  show() {
    const { state, choose } = this.tools;
    const trace = this.tools.trace();
    const row = this.#weights;
    const others = row ? this.#strongest(row) : [];
    const chips = others.map((query) => {
      const name = `query ${query}, ${trace.said(state.layer + 2, query)}`;
      return chip(`${row?.[query].toFixed(3)} ${name}`, false, () => choose(query));
    });
    const group = { class: "links gb-chips", role: "group", "aria-label": "queries it takes most from" };
    return [
      ...layerAndHead(this.tools, trace.view.self_heads, "mean"),
      element("p", { class: "text" }, row ? this.#sentence(row, others) : (this.#answer.problem ?? "…")),
      element("div", group, ...chips),
    ];
  }

  /** @param {number[]} row @param {number[]} others */
  #sentence(row, others) {
    const { layer, head, query } = this.tools.state;
    const together = others.reduce((sum, other) => sum + row[other], 0);
    return (
      `Self-attention of layer ${layer + 1}, ${head === null ? "mean of the heads" : `head ${head + 1}`}: query ` +
      `${query} (blue) takes ${row[query].toFixed(2)} from itself and ${together.toFixed(2)} from these ${MOST_LINKS}; ` +
      "the rest is spread over all others. Boxes are those after this layer."
    );
  }
}

/** @param {CanvasRenderingContext2D} context @param {number[]} from @param {number[]} to @param {number} share */
function link(context, from, to, share) {
  context.globalAlpha = 0.35 + 0.6 * share;
  /** @type {[string, number][]} */
  const strokes = [
    [role("paper"), 2],
    [role("key"), 0],
  ];
  for (const [ink, more] of strokes) {
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.lineTo(to[0], to[1]);
    context.lineWidth = 1 + 5 * share + more;
    context.strokeStyle = ink;
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Weights beside boxes, where they do not cover each other. @param {CanvasRenderingContext2D} context @param {number[]} queries @param {number[]} row @param {(query: number) => number[]} centre */
function writeWeights(context, queries, row, centre) {
  /** @type {number[][]} */ const written = [];
  for (const query of queries) {
    const [x, y] = centre(query);
    if (written.some(([u, v]) => Math.abs(u - x) < 46 && Math.abs(v - y) < 20)) continue;
    written.push([x, y]);
    writeOn(context, row[query].toFixed(3), x + 4, y - 9, role("key"));
  }
}
