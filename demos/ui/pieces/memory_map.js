// A memory over time: one column for each character, one row for each unit. Only new columns are painted: the canvas has
// room for more of them than are shown, and its frame hides the rest.

import { contextOf, onWidth } from "../core/canvas.js";
import { element } from "../core/dom.js";
import { onCells } from "../core/keys.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

const LEAST_COLUMNS = 48;
const LEAST_ROOM = 64;
const SHADES = 256;

/** @typedef {{ place: number, unit: number }} Cell */

/** @param {number} count characters */
export const columnsShown = (count) => Math.max(LEAST_COLUMNS, count);

/** How many columns a canvas for so many has room for. @param {number} count */
export function roomFor(count) {
  let room = LEAST_ROOM;
  while (room < count) room *= 2;
  return room;
}

/**
 * Colours of -limit to limit as pixels.
 * @param {(value: number) => number[]} color @param {number} limit
 */
function paletteOf(color, limit) {
  return Uint32Array.from({ length: SHADES + 1 }, (_, index) => {
    const [red, green, blue] = color(((2 * index) / SHADES - 1) * limit);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

export class MemoryMap {
  /** @type {Float32Array[]} */ #columns = [];
  /** @type {number[]} row to unit */ #order = [];
  /** @type {(value: number) => number[]} */ #color = () => [0, 0, 0];
  #limit = 1;
  #wide = 0; // pixels of a column

  /**
   * @param {HTMLElement} frame
   * @param {{ onHover: (cell: Cell | null) => void, onPick: (cell: Cell) => void }} told
   */
  constructor(frame, { onHover, onPick }) {
    this.frame = frame;
    frame.classList.add("mm-frame");
    this.canvas = element("canvas", { class: "cells" });
    this.column = element("div", { class: "mm-column" });
    this.row = element("div", { class: "mm-row" });
    frame.replaceChildren(this.canvas, this.column, this.row);
    this.canvas.addEventListener("pointermove", (event) => onHover(this.#cellAt(event)));
    this.canvas.addEventListener("pointerleave", () => onHover(null));
    this.canvas.addEventListener("click", (event) => {
      const cell = this.#cellAt(event);
      if (cell) onPick(cell);
    });
    onCells(this.canvas, {
      name: "Memory over time, a row for each unit: arrow keys move over its cells, Enter picks one",
      size: () => [this.#order.length, this.#columns.length],
      over: (row, place) => onHover({ place, unit: this.#order[row] }),
      pick: (row, place) => onPick({ place, unit: this.#order[row] }),
      away: () => onHover(null),
    });
    onWidth(frame, () => this.#paint(0));
  }

  /**
   * @param {Float32Array[]} columns by character, values by unit @param {number[]} order of the units, from the top
   * @param {(value: number) => number[]} color @param {number} limit values are from -limit to limit
   * @param {number} kept how many columns are drawn already, in this order and these colours
   */
  show(columns, order, color, limit, kept) {
    [this.#columns, this.#order, this.#color, this.#limit] = [columns, order, color, limit];
    this.#paint(kept);
  }

  /** @param {number} place @param {number | null} unit */
  mark(place, unit) {
    const shown = columnsShown(this.#columns.length);
    Object.assign(this.column.style, { left: `${(100 * place) / shown}%`, width: `${100 / shown}%` });
    this.row.hidden = unit === null;
    if (unit !== null) this.row.style.top = `${(100 * (this.#order.indexOf(unit) + 0.5)) / this.#order.length}%`;
  }

  /** @param {number} kept */
  #paint(kept) {
    const { canvas } = this;
    const [count, units] = [this.#columns.length, this.#order.length];
    if (!count) return;
    const room = roomFor(count);
    const width = (this.frame.clientWidth || 600) * (window.devicePixelRatio || 1);
    const wide = Math.ceil(width / Math.max(LEAST_COLUMNS, room / 2));
    const anew = wide !== this.#wide || canvas.width !== room * wide || canvas.height !== units;
    if (anew) [this.#wide, canvas.width, canvas.height] = [wide, room * wide, units];
    canvas.style.width = `${(100 * room) / columnsShown(count)}%`;
    const first = anew ? 0 : kept;
    const context = contextOf(canvas);
    context.clearRect(first * wide, 0, canvas.width - first * wide, units);
    if (first < count) context.putImageData(this.#pixels(first), first * wide, 0);
  }

  /** The columns from `first` on as a picture. @param {number} first */
  #pixels(first) {
    const width = (this.#columns.length - first) * this.#wide;
    const image = new ImageData(width, this.#order.length);
    const pixels = new Uint32Array(image.data.buffer);
    const palette = paletteOf(this.#color, this.#limit);
    const half = SHADES / 2;
    this.#columns.slice(first).forEach((column, index) => {
      this.#order.forEach((unit, row) => {
        const start = row * width + index * this.#wide;
        pixels.fill(palette[Math.round((column[unit] / this.#limit) * half) + half], start, start + this.#wide);
      });
    });
    return image;
  }

  /** @param {MouseEvent} event @returns {Cell | null} */
  #cellAt(event) {
    const box = this.frame.getBoundingClientRect();
    const shown = columnsShown(this.#columns.length);
    const place = Math.floor(((event.clientX - box.left) / box.width) * shown);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.#order.length);
    const outside = place < 0 || place >= this.#columns.length || row < 0 || row >= this.#order.length;
    return outside ? null : { place, unit: this.#order[row] };
  }
}
