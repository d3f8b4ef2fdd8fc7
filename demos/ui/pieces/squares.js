// Values as squares, one canvas pixel each; the one under the pointer or reached by arrow keys is written into a note.

import { paintCells } from "../core/canvas.js";
import { fixed } from "../core/format.js";
import { clamp, onArrows } from "../core/keys.js";
import { diverging } from "../core/ramps.js";

/** @param {number} value */
export const digits = (value) => fixed(value, Math.abs(value) < 0.0995 && value !== 0 ? 4 : 2);

/** The largest size among values. @param {Iterable<number>} values */
export function sized(values) {
  let most = 1e-12;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/** @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values @param {number} columns @param {number} limit */
export function paintSigned(canvas, values, columns, limit) {
  const color = (/** @type {number} */ index) =>
    index < values.length ? diverging(values[index] / limit) : [0, 0, 0, 0];
  paintCells(canvas, Math.ceil(values.length / columns), columns, color);
}

export class Squares {
  /** @type {ArrayLike<number>} */ #values = [];
  #columns = 1;
  #resting = "";
  #place = 0;
  /** @type {(index: number) => string} */ #name = String;

  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} note @param {((index: number) => void) | null} onPick */
  constructor(canvas, note, onPick = null) {
    this.canvas = canvas;
    this.note = note;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.addEventListener("pointermove", (event) => this.#say(this.#at(event)));
    canvas.addEventListener("pointerleave", () => this.#say(null));
    canvas.addEventListener("blur", () => this.#say(null));
    onArrows(canvas, (across, down) => {
      if (!Number.isFinite(across)) return;
      this.#place = clamp(this.#place + across + down * this.#columns, 0, this.#values.length - 1);
      this.#say(this.#place);
    });
    if (!onPick) return;
    canvas.addEventListener("click", (event) => this.#at(event) < this.#values.length && onPick(this.#at(event)));
    canvas.addEventListener("keydown", (event) => event.key === "Enter" && onPick(this.#place));
  }

  /**
   * @param {ArrayLike<number>} values @param {number} columns @param {number} limit of the colours
   * @param {(index: number) => string} name of a value @param {string} resting what the note says otherwise
   */
  show(values, columns, limit, name, resting) {
    this.#values = values;
    this.#columns = columns;
    this.#name = name;
    this.#resting = resting;
    this.canvas.setAttribute("aria-label", `${values.length} numbers; arrow keys read them`);
    paintSigned(this.canvas, values, columns, limit);
    this.#say(null);
  }

  /** @param {MouseEvent} event */
  #at(event) {
    const area = this.canvas.getBoundingClientRect();
    const column = clamp(Math.floor(((event.clientX - area.left) / area.width) * this.#columns), 0, this.#columns - 1);
    const row = Math.floor(((event.clientY - area.top) / area.height) * this.canvas.height);
    return clamp(row, 0, this.canvas.height - 1) * this.#columns + column;
  }

  /** @param {number | null} index */
  #say(index) {
    if (index === null) this.note.textContent = this.#resting;
    else if (index < this.#values.length)
      this.note.textContent = `${this.#name(index)}: ${digits(this.#values[index])}`;
  }
}
