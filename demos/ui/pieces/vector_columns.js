// Vectors side by side: a column for each token, a row for each number.

import { paintCells } from "../core/canvas.js";
import { element } from "../core/dom.js";
import { clamp, onCells } from "../core/keys.js";
import { diverging } from "../core/ramps.js";
import { styleOf } from "../core/style.js";

/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

styleOf(import.meta.url);

export class VectorColumns {
  #count = 1;

  /** @param {{ label: string, names: string[], onPick: (token: number) => void }} options */
  constructor({ label, names, onPick }) {
    this.canvas = element("canvas", { class: "vc-canvas" });
    this.marker = element("div", { class: "vc-marker", hidden: true });
    this.cover = element("div", { class: "vc-cover" });
    this.node = element("div", { class: "vc" }, this.canvas, this.marker, this.cover);
    this.#count = names.length;
    this.canvas.addEventListener("click", (event) => onPick(this.#at(event)));
    this.canvas.addEventListener("pointermove", (event) => {
      this.canvas.title = names[this.#at(event)];
    });
    onCells(this.canvas, {
      name: `${label}. Arrow keys move along the tokens, Enter picks one`,
      size: () => [1, this.#count],
      over: (_, token) => this.mark(token),
      pick: (_, token) => onPick(token),
    });
  }

  /** @param {NumericArray} vectors `[T, width]` @param {number} limit */
  show({ data, shape }, limit) {
    const [count, width] = shape;
    this.#count = count;
    paintCells(this.canvas, width, count, (index) =>
      diverging(data[(index % count) * width + Math.floor(index / count)] / limit),
    );
  }

  /** @param {number} token */
  mark(token) {
    this.marker.hidden = false;
    Object.assign(this.marker.style, { left: `${(100 * token) / this.#count}%`, width: `${100 / this.#count}%` });
  }

  /** Covers what is not computed yet. @param {number} share of the tokens that are */
  reveal(share) {
    this.cover.style.left = `${(100 * Math.ceil(share * this.#count)) / this.#count}%`;
  }

  /** @param {MouseEvent} event */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return clamp(Math.floor(((event.clientX - box.left) / box.width) * this.#count), 0, this.#count - 1);
  }
}
