// One token's way through one layer: every vector from the residual stream back to the residual stream, in numbers.

import { largestSize, load } from "../core/arrays.js";
import { paintCells } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { short } from "../core/format.js";
import { clamp, onCells } from "../core/keys.js";
import { diverging } from "../core/ramps.js";

/** @typedef {import("../types.js").WalkView} WalkView */
/** @typedef {import("../types.js").StationView} Station */
/** @typedef {import("../types.js").HeadsLooking} HeadsLooking */

const READ = "Point at a strip for its numbers; blue is below zero, orange above; each strip has its own scale.";
/** @type {Record<string, string[]>} whose heads look, at a station */
const LOOKING = { "heads, side by side": ["encoder", "decoder"], "cross-attention": ["cross"] };

export const template = `
<div class="walk" data-state="empty">
  <p class="gb-empty">Pick a cell above: its layer is taken apart here.</p>
  <div class="walk-body">
    <div class="walk-title"></div>
    <div class="walk-stations"></div>
    <p class="gb-caption walk-read" aria-live="polite">${READ}</p>
  </div>
</div>`;

export default class LayerWalk {
  #asked = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
  }

  /** @param {WalkView | null} value */
  async show(value) {
    if (!value) return;
    const asked = ++this.#asked;
    const { data } = await load(value.values);
    if (asked !== this.#asked) return;
    find(this.root, ".walk").dataset.state = "full";
    find(this.root, ".walk-title").textContent = value.title;
    let start = 0;
    const rows = value.stations.map((station) => {
      const values = data.subarray(start, start + station.numbers);
      start += station.numbers;
      const heads = value.heads.filter(({ kind }) => LOOKING[station.name]?.includes(kind));
      return this.#station(station, values, heads);
    });
    find(this.root, ".walk-stations").replaceChildren(...rows);
  }

  /** @param {Station} station @param {import("../core/arrays.js").Numbers} values @param {HeadsLooking[]} heads */
  #station({ name, stream, numbers, size, meaning }, values, heads) {
    return element(
      "div",
      { class: `walk-station ${stream ? "stream" : "branch"}` },
      element("span", { class: "walk-name" }, name),
      this.#strip(name, values),
      element("span", { class: "walk-facts" }, `${numbers.toLocaleString("en")} numbers, size ${short(size)}`),
      element("p", { class: "walk-meaning" }, meaning),
      ...heads.map(looking),
    );
  }

  /** @param {string} name @param {import("../core/arrays.js").Numbers} values */
  #strip(name, values) {
    const limit = Math.max(largestSize(values), 1e-9);
    /** @param {number} index */
    const read = (index) =>
      this.#read(
        `${name}, number ${index + 1} of ${values.length}: ${values[index].toFixed(3)} (the largest is ${limit.toFixed(3)} from zero)`,
      );
    const canvas = element("canvas", {
      class: "walk-strip",
      onpointermove: (/** @type {PointerEvent} */ event) =>
        read(clamp(Math.floor((event.offsetX / canvas.clientWidth) * values.length), 0, values.length - 1)),
      onpointerleave: () => this.#read(READ),
    });
    onCells(canvas, {
      name: `${values.length} numbers of ${name}: arrow keys read them`,
      size: () => [1, values.length],
      over: (_, index) => read(index),
      away: () => this.#read(READ),
    });
    paintCells(canvas, 1, values.length, (index) => diverging(values[index] / limit));
    return canvas;
  }

  /** @param {string} text */
  #read(text) {
    find(this.root, ".walk-read").textContent = text;
  }
}

/** @param {HeadsLooking} heads */
const looking = ({ kind, best }) =>
  element(
    "div",
    { class: "walk-heads" },
    `${kind === "cross" ? "cross head" : "head"} looks most at`,
    ...best.map(([place, word, weight], head) =>
      element(
        "span",
        { title: `head ${head + 1} takes most, ${weight.toFixed(3)}, from ${word} (${place + 1})` },
        `${head + 1}: `,
        element("b", {}, word),
        ` (${place + 1}) ${weight.toFixed(2)}`,
      ),
    ),
  );
