// A recurrent network unrolled in time: what goes into each step, what is remembered, what comes out, the shared weights.
//
// Event: `step` (position), a step was chosen. Far from the screen words follow when changes rest, for who searches or
// listens; numbers are fetched and painted when they come on screen.

import { load, part } from "../core/arrays.js";
import { onScreen, paintCells } from "../core/canvas.js";
import { LineChart } from "../core/chart.js";
import { element, find } from "../core/dom.js";
import { fixed, minus } from "../core/format.js";
import { clamp } from "../core/keys.js";
import { diverging, sequential } from "../core/ramps.js";
import { CellSteps } from "../pieces/cell_steps.js";
import { onUnits, paintUnits, unitAt } from "../pieces/units.js";

/** @typedef {import("../types.js").UnrolledView} UnrolledView */
/** @typedef {import("../types.js").CellStep} CellStep */
/** @typedef {import("../types.js").CellNumbers} CellNumbers */
/** @typedef {import("../core/arrays.js").Numbers} Numbers */

export const template = `
<div class="un gb-panel" data-state="empty">
  <p class="gb-empty">Nothing has been read yet.</p>
  <div class="un-body">
    <div class="un-scroll" tabindex="0" role="group" aria-label="The network, one column for each step">
      <div class="un-steps"></div>
    </div>
    <div class="un-shared">
      <div class="un-shared-title"></div>
      <div class="un-weights"></div>
    </div>
    <p class="gb-caption un-count"></p>
    <details class="un-length"><summary>Parameters against length</summary>
      <div class="lc-legend"></div>
      <div class="lc-frame"></div>
    </details>
    <div class="un-inside-panel">
      <div class="un-title"></div>
      <div class="un-cell-steps" hidden></div>
      <div class="un-inside"></div>
      <p class="gb-caption un-readout" aria-live="polite"></p>
    </div>
  </div>
</div>`;

const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

const REST_MILLISECONDS = 600; // longer than between two keys of who types

/** @param {number} number */
const subscript = (number) => Array.from(String(number), (digit) => LOWERED[Number(digit)]).join("");

/** @param {number} count */
const grouped = (count) => count.toLocaleString("en");

/** One step of the drawing. Its nodes stay when another step is shown in its place. */
class Column {
  /** @param {(position: number) => void} onPick */
  constructor(onPick) {
    this.position = 0;
    this.outputs = element("div", { class: "un-outputs" });
    this.canvas = element("canvas");
    this.name = element("span", { class: "un-name" });
    this.input = element("div");
    this.up = element("div");
    this.below = element("div");
    const cell = element("div", { class: "un-cell" }, this.canvas, this.name);
    const tie = element("div", { class: "un-tie" });
    const onclick = () => onPick(this.position);
    this.node = element(
      "button",
      { type: "button", class: "gb-bare un-step", onclick },
      this.outputs,
      this.up,
      cell,
      this.below,
      this.input,
      tie,
    );
  }

  /** @param {CellStep} step @param {number} position @param {boolean} selected */
  show(step, position, selected) {
    this.position = position;
    const { asked, outputs, input } = step;
    this.node.dataset.part = step.part;
    this.node.dataset.asked = asked ? "yes" : "no";
    this.node.setAttribute("aria-pressed", String(selected));
    this.node.title = `step ${position}${asked ? "" : outputs.length ? ": computed, but not asked for" : ": nothing comes out"}`;
    this.outputs.replaceChildren(...outputs.map(outputRow));
    this.up.className = outputs.length ? "un-up" : "un-up none";
    this.below.className = input ? "un-up" : "un-up none";
    this.name.textContent = step.part === "cell" ? `h${subscript(position)}` : step.part;
    this.input.textContent = input || "no input";
    this.input.className = `un-input${input ? "" : " none"}${step.fed_back ? " fed" : ""}`;
    this.input.title = step.fed_back ? `${input}: what the step before has written` : input;
  }
}

/** @param {import("../types.js").CellOutput} output */
function outputRow({ label, probability }) {
  const row = element("div", {}, element("b", {}, label), element("i", {}, probability.toFixed(2)));
  row.style.setProperty("--un-share", `${100 * probability}%`);
  return row;
}

export default class Unrolled {
  /** @type {UnrolledView | null} */ #view = null;
  /** @type {Column[]} */ #columns = [];
  /** @type {Numbers[]} in the cell at the selected step */ #values = [];
  /** @type {Numbers[]} added up before each gate there */ #sums = [];
  #unit = 0;
  #weights = ""; // what the drawn ones are

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.root = root;
    this.emit = emit;
    this.chart = new LineChart(find(root, ".lc-frame"), find(root, ".lc-legend"));
    find(root, ".un-length").addEventListener("toggle", () => this.#drawLength());
    this.cell = new CellSteps(find(root, ".un-cell-steps"), {
      onStage: (maps) => this.#markMaps(maps),
      onUnit: (unit) => this.#read(unit),
    });
    this.words = onScreen(root, () => this.#write(), REST_MILLISECONDS);
    this.numbers = onScreen(root, () => this.#paint());
  }

  /** @param {UnrolledView | null} view */
  show(view) {
    const first = !this.#view;
    this.#view = view;
    first || !view ? this.#write() : this.words.refresh();
    return view ? this.numbers.refresh() : undefined;
  }

  /** All that needs no numbers. */
  #write() {
    const [box, view] = [find(this.root, ".un"), this.#view];
    box.dataset.state = view ? "full" : "empty";
    if (!view) return;
    box.dataset.type = view.sequence_type;
    find(this.root, ".un-shared-title").textContent = view.shared;
    find(this.root, ".un-length").hidden = !view.recurrent;
    this.#drawSteps(view);
    this.#drawCount(view);
    this.#drawLength();
    this.#nameInside(view);
  }

  /** @param {UnrolledView} view */
  #drawSteps({ steps, first, selected }) {
    const place = find(this.root, ".un-steps");
    for (const column of this.#columns.splice(steps.length)) column.node.remove();
    while (this.#columns.length < steps.length) {
      const column = new Column((position) => this.emit.step({ position }));
      this.#columns.push(column);
      place.append(column.node);
    }
    steps.forEach((step, index) => {
      this.#columns[index].show(step, first + index, first + index === selected);
      if (this.#view?.recurrent === false) this.#columns[index].name.textContent = "hidden layer";
    });
    place.toggleAttribute("data-earlier", first > 0);
  }

  /** Brings the selected step into sight, where they do not all fit. @param {UnrolledView} view */
  #scroll({ first, selected }) {
    const scroll = find(this.root, ".un-scroll");
    const pressed = this.#columns[selected - first]?.node;
    if (pressed && scroll.scrollWidth > scroll.clientWidth)
      scroll.scrollLeft = pressed.offsetLeft - scroll.clientWidth / 2;
  }

  /** Fetches and paints the numbers of what is shown. */
  async #paint() {
    const view = this.#view;
    if (!view) return;
    const [hidden, values, sums] = await Promise.all([
      load(view.hidden),
      load(view.values),
      view.sums ? load(view.sums) : null,
    ]);
    if (view !== this.#view) return;
    view.steps.forEach((_, index) => {
      paintUnits(this.#columns[index].canvas, part(hidden, index).data, (value) => diverging(value / 127));
    });
    this.#scroll(view);
    this.#values = view.inside.map((_, index) => part(values, index).data);
    this.#sums = sums ? view.added.map((_, index) => part(sums, index).data) : [];
    this.#paintInside(view);
    await this.#drawWeights(view);
  }

  /** @param {UnrolledView} view */
  #nameInside({ inside, selected, recurrent }) {
    const place = find(this.root, ".un-inside");
    find(this.root, ".un-inside-panel").hidden = !inside.length;
    find(this.root, ".un-title").textContent = recurrent
      ? `Inside the cell at step ${selected}`
      : "Inside the hidden layer";
    while (place.children.length > inside.length) place.lastChild.remove();
    while (place.children.length < inside.length) place.append(this.#figure());
    inside.forEach(({ name, share, limit }, index) => {
      const range = share ? "0 to 1" : minus(`-${limit} to ${limit}`);
      find(place.children[index], "figcaption").textContent = `${name} (${range})`;
    });
  }

  /** @param {UnrolledView} view */
  #paintInside({ inside }) {
    const place = find(this.root, ".un-inside");
    inside.forEach(({ share, limit }, index) => {
      const color = share ? sequential : (/** @type {number} */ value) => diverging(value / limit);
      paintUnits(find(place.children[index], "canvas"), this.#values[index], color);
    });
    if (inside.length) this.#read(Math.min(this.#unit, this.#values[0].length - 1));
    this.#stepThrough();
  }

  /** Shows the cell at work at the selected step, where all of it is known. */
  #stepThrough() {
    const { cell, inside, added, steps, selected, first } = /** @type {UnrolledView} */ (this.#view);
    const values = Object.fromEntries(inside.map(({ name }, index) => [name, this.#values[index]]));
    added.forEach((name, index) => {
      values[name] = this.#sums[index];
    });
    const { input, outputs } = steps[selected - first];
    const best = outputs[0];
    const output = best ? `${best.label} ${(100 * best.probability).toFixed(0)} %` : "";
    this.cell.show(cell, values, { input, output });
  }

  /** @param {string[]} names of the maps that the stage of the cell is about */
  #markMaps(names) {
    const figures = find(this.root, ".un-inside").children;
    this.#view?.inside.forEach(({ name }, index) => {
      figures[index]?.classList.toggle("now", names.includes(name));
    });
  }

  #figure() {
    const canvas = element("canvas");
    canvas.addEventListener("pointermove", (event) => {
      if (this.#values.length) this.#read(unitAt(canvas, event, this.#values[0].length));
    });
    canvas.addEventListener("click", (event) => {
      if (this.#values.length) this.cell.choose(unitAt(canvas, event, this.#values[0].length));
    });
    onUnits(
      canvas,
      () => this.#values[0]?.length ?? 0,
      (unit) => this.#read(unit),
    );
    return element("figure", {}, canvas, element("figcaption"));
  }

  /** @param {number} unit */
  #read(unit) {
    this.#unit = unit;
    if (!this.#values.length) return;
    const numbers = this.#view?.inside.map(({ name }, index) => `${name} ${fixed(this.#values[index][unit], 3)}`);
    find(this.root, ".un-readout").textContent = `Unit ${unit}: ${numbers?.join(", ")}`;
  }

  /** @param {UnrolledView} view */
  async #drawWeights({ weights }) {
    const drawn = JSON.stringify(weights);
    if (drawn === this.#weights) return;
    this.#weights = drawn;
    const figures = weights.map(async ({ name, size, highest, blocks }) => {
      const { data, shape } = await load(blocks);
      const [rows, columns] = shape;
      const canvas = element("canvas", { style: { width: `${clamp((56 * columns) / rows, 28, 112)}px` } });
      paintCells(canvas, rows, columns, (index) => sequential(data[index] / 255));
      const caption = element("figcaption", {}, `${name}, ${size.map(grouped).join(" × ")}`);
      const title = `root mean square of each block of weights, 0 to ${highest}`;
      return element("figure", { title }, canvas, caption);
    });
    find(this.root, ".un-weights").replaceChildren(...(await Promise.all(figures)));
  }

  /** @param {UnrolledView} view */
  #drawCount({ parameters, total, recurrent }) {
    if (!recurrent) {
      find(this.root, ".un-count").textContent =
        `${grouped(parameters)} parameters. What goes in must have just this form.`;
      return;
    }
    const these = total === 1 ? "this one step" : `these ${total} steps`;
    const own = `With weights of its own each step would need its share again: ${grouped(parameters * total)}.`;
    find(this.root, ".un-count").textContent =
      `${grouped(parameters)} parameters for ${these}, and for any other number of them. ${total > 1 ? own : ""}`;
  }

  #drawLength() {
    if (!this.#view || !find(this.root, ".un-length").open) return;
    const { parameters, total } = this.#view;
    /** @param {(steps: number) => number} count @returns {number[][]} */
    const points = (count) =>
      Array.from({ length: Math.max(20, 2 * total) }, (_, index) => [index + 1, count(index + 1) / 1e6]);
    this.chart.show({
      series: [
        { name: "shared weights", color: "memory", points: points(() => parameters) },
        {
          name: "weights of its own for every step",
          color: "input",
          dash: "6 4",
          points: points((steps) => steps * parameters),
        },
      ],
      x: "steps",
      y: "million parameters",
      low: 0,
      format: (value) => `${value.toPrecision(3)} M`,
    });
  }
}
