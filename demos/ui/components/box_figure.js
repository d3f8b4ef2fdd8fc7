// A picture with its boxes, and for a chosen one its query's way there: by layer, points, other queries, proposals. All
// answers of the network are here, so that no click runs it again; whom a query attends to is asked for when looked at.
//
// It shares the picture with the other views of the page ("detection"), and the patch at the centre of the chosen query's
// box ("token"). Value: a TraceView.

import { address } from "../core/arrays.js";
import { fit, strokeBox } from "../core/canvas.js";
import { chip, find, keepFocus } from "../core/dom.js";
import { clamp } from "../core/keys.js";
import { role } from "../core/ramps.js";
import { follow, share } from "../core/shared.js";
import { above, cornersOf, paintBoxes, placeOf, smallestAt, threshold } from "../pieces/boxes.js";
import { ProposalMap } from "../pieces/proposal_map.js";
import { QueryLinks } from "../pieces/query_links.js";
import { QueryPoints } from "../pieces/query_points.js";
import { classBars, QuerySteps } from "../pieces/query_steps.js";
import { QueryTrace } from "../pieces/query_trace.js";

/** @typedef {import("../types.js").TraceView} TraceView */
/** @typedef {import("../pieces/query_steps.js").Tools} Tools */

/**
 * @typedef {object} Panel  one way to look at the chosen query
 * @property {(context: CanvasRenderingContext2D, width: number, height: number) => void} paint  on the picture
 * @property {() => Node[]} show  below it
 * @property {(x: number, y: number) => void} [pick]
 * @property {(x: number, y: number) => void} [hover]
 */

export const template = `
<div class="figure gb-panel" data-state="empty">
  <p class="gb-empty">Upload a picture or take an example: boxes appear here.</p>
  <div class="full">
    <div class="gb-chips views" role="group" aria-label="What is drawn"></div>
    <div class="picture"><img alt="The picture given to the detector"><canvas></canvas></div>
    <p class="count text" role="status"></p>
    <div class="list gb-chips" role="group" aria-label="Boxes found"></div>
    <div class="asked">
      <label>object query <input class="number" type="number" min="0" step="1" inputmode="numeric"></label>
      <span class="summary"></span>
    </div>
    <div class="inside"></div>
  </div>
</div>`;

export default class BoxFigure {
  /** @type {TraceView | null} */ #newest = null;
  /** @type {QueryTrace | null} */ #trace = null;
  /** @type {Tools["state"]} */ #state = { view: "boxes", query: 0, stage: 0, layer: 0, head: null };
  /** @type {Record<string, Panel>} */ #panels;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server, look }) {
    this.root = root;
    this.look = look;
    this.figure = find(root, ".figure");
    /** @type {HTMLImageElement} */ this.image = find(root, "img");
    /** @type {Tools} */
    const tools = {
      state: this.#state,
      trace: () => /** @type {QueryTrace} */ (this.#trace),
      change: (what) => this.#change(what),
      choose: (query) => this.#choose(query),
      redraw: () => this.#redraw(),
      server,
    };
    this.#panels = {
      boxes: this.#boxesPanel(),
      "layer by layer": new QuerySteps(tools),
      "sampling points": new QueryPoints(tools),
      "other queries": new QueryLinks(tools),
      proposals: new ProposalMap(tools),
    };
    this.#listen();
  }

  /** @param {TraceView | null} value */
  async show(value) {
    this.#newest = value;
    if (!value) {
      this.#trace = null;
      this.figure.dataset.state = "empty";
      return share("detection", null);
    }
    const trace = await QueryTrace.of(value);
    if (value !== this.#newest) return undefined;
    this.#trace = trace;
    this.figure.dataset.state = "full";
    Object.assign(this.#state, {
      layer: trace.layers - 1,
      stage: trace.lastStage,
      query: value.first ?? value.candidates[0]?.query ?? 0,
    });
    this.#takeLook(trace);
    find(this.root, ".number").max = String(trace.queries - 1);
    this.image.src = address(value.image);
    this.figure.dataset.run = value.run;
    const { run, width, height, labels, candidates, image } = value;
    share("detection", { run, width, height, labels, candidates, image });
    return this.#redraw();
  }

  #listen() {
    const picture = find(this.root, ".picture");
    picture.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#click(event));
    picture.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      const [x, y] = placeOf(event, this.image);
      if (this.#trace) this.#panels[this.#state.view].hover?.(x, y);
    });
    const number = find(this.root, ".number");
    number.addEventListener("input", () => {
      const query = Number(number.value);
      if (this.#trace && number.value !== "" && Number.isInteger(query) && query >= 0 && query < this.#trace.queries)
        this.#choose(query);
    });
    number.addEventListener("change", () => {
      number.value = String(this.#state.query);
    });
    this.image.addEventListener("load", () => this.#redraw());
    follow("threshold", this.root, () => this.#redraw());
    new ResizeObserver(() => this.#redraw()).observe(this.image);
    new MutationObserver(() => this.#redraw()).observe(document.body, { attributeFilter: ["class"] });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    if (!this.#trace) return;
    const [x, y] = placeOf(event, this.image);
    const { pick } = this.#panels[this.#state.view];
    if (pick) return this.#panels[this.#state.view].pick?.(x, y);
    const hit = smallestAt(above(this.#trace.view.candidates), x, y);
    if (hit) this.#choose(hit.query);
    return undefined;
  }

  /** @param {Partial<Tools["state"]>} what */
  #change(what) {
    Object.assign(this.#state, what);
    const { view, query, stage, layer } = this.#state;
    this.look.set("query", [query, Object.keys(this.#panels).indexOf(view), stage, layer].join("."));
    this.#redraw();
  }

  /** What a link said is chosen: query, view, stage and layer. @param {QueryTrace} trace */
  #takeLook(trace) {
    const said = this.look.take("query");
    if (!/^\d{1,4}(\.\d{1,3}){3}$/.test(said ?? "")) return;
    const [query, view, stage, layer] = /** @type {string} */ (said).split(".").map(Number);
    const name = Object.keys(this.#panels)[view];
    if (!name || query >= trace.queries || stage > trace.lastStage || layer >= trace.layers) return;
    Object.assign(this.#state, { view: name, query, stage, layer });
    this.look.set("query", said);
  }

  /** @param {number} query */
  #choose(query) {
    this.#change({ query });
    const trace = this.#trace;
    if (!trace) return;
    const { rows, columns } = trace.view.patches;
    const [x, y] = trace.box(trace.lastStage, query);
    const row = clamp(Math.floor(y * rows), 0, rows - 1);
    share("token", { run: trace.view.run, token: 1 + row * columns + clamp(Math.floor(x * columns), 0, columns - 1) });
  }

  #redraw() {
    const trace = this.#trace;
    if (!trace || !this.image.clientWidth) return;
    const began = performance.now();
    const [width, height] = [this.image.clientWidth, this.image.clientHeight];
    this.#panels[this.#state.view].paint(fit(find(this.root, ".picture canvas"), width, height), width, height);
    keepFocus(this.figure, () => this.#rebuild(trace));
    this.figure.dataset.view = this.#state.view;
    this.figure.dataset.query = String(this.#state.query);
    this.figure.dataset.redrawn = (performance.now() - began).toFixed(1);
  }

  /** @param {QueryTrace} trace */
  #rebuild(trace) {
    const { candidates } = trace.view;
    const { view: chosen, query: asked } = this.#state;
    const found = above(candidates);
    this.figure.dataset.boxes = String(found.length);
    find(this.root, ".count").textContent = counted(found.length, candidates);
    const views = Object.keys(this.#panels).map((view) =>
      chip(view, view === chosen, () => this.#change({ view, head: null })),
    );
    find(this.root, ".views").replaceChildren(...views);
    const boxes = found.map(({ label, score, query }) =>
      chip(`${label} ${score.toFixed(2)}`, query === asked, () => this.#choose(query)),
    );
    find(this.root, ".list").replaceChildren(...boxes);
    const number = find(this.root, ".number");
    if (document.activeElement !== number) number.value = String(asked);
    find(this.root, ".summary").textContent =
      `of ${trace.queries}: says ${trace.said(trace.lastStage, asked).replace(/ ([\d.]+)$/, " with $1")}; ` +
      `started at ${trace.placeOf(trace.chosen[asked])} of the feature map.`;
    find(this.root, ".inside").replaceChildren(...this.#panels[chosen].show());
  }

  /** The answer as it is, the chosen box heavier than the others. @returns {Panel} */
  #boxesPanel() {
    const state = this.#state;
    const known = () => /** @type {QueryTrace} */ (this.#trace);
    return {
      paint: (context, width, height) => {
        const chosen = cornersOf(known().box(known().lastStage, state.query));
        strokeBox(context, chosen, width, height, { color: role("query"), thickness: 9 });
        paintBoxes(context, above(known().view.candidates), width, height);
      },
      show: () => [classBars(known(), known().lastStage, state.query)],
    };
  }
}

/** @param {number} found @param {{ score: number }[]} candidates */
function counted(found, candidates) {
  const least = threshold().toFixed(2);
  if (found)
    return (
      `${found} ${found === 1 ? "box" : "boxes"} above ${least} of ${candidates.length} candidates. ` +
      "Click one to see where it comes from."
    );
  const best = candidates.length ? `; the best candidate has ${candidates[0].score.toFixed(2)}` : "";
  return `No box above ${least}${best}. Lower the threshold to see more.`;
}
