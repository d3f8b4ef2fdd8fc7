// Painting cells of a square picture with a round brush, by pointer or by keys. What is painted is a mask.

import { clamp } from "../core/keys.js";
import { maskOfText, textOfMask } from "./runs.js";

/** @typedef {[number, number]} Point  column and row in cells, fractions too */

export class Painting {
  /** @type {Point | null} last place of the stroke being painted */ #stroke = null;

  /** @param {number} cells a side */
  constructor(cells) {
    this.cells = cells;
    this.mask = new Uint8Array(cells * cells);
    /** @type {Point} */
    this.cursor = [cells / 2, cells / 2];
  }

  get painting() {
    return this.#stroke !== null;
  }

  /** Nothing is painted any more. */
  clear() {
    this.mask.fill(0);
  }

  /** Covers what lies within `radius` of a point. @param {Point} point @param {number} radius */
  dab([x, y], radius) {
    for (let row = Math.floor(y - radius); row <= y + radius; row++)
      for (let column = Math.floor(x - radius); column <= x + radius; column++) {
        const inside = row >= 0 && column >= 0 && row < this.cells && column < this.cells;
        if (inside && Math.hypot(column + 0.5 - x, row + 0.5 - y) <= radius) this.mask[row * this.cells + column] = 1;
      }
  }

  /** Goes on to a point, covering all between; the first one begins the stroke. @param {Point} to @param {number} radius */
  strokeTo(to, radius) {
    const from = this.#stroke ?? to;
    const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let step = 0; step <= steps; step++) {
      const share = step / steps;
      this.dab([from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share], radius);
    }
    this.#stroke = to;
  }

  end() {
    this.#stroke = null;
  }

  /** @param {number} across @param {number} down in cells */
  moveCursor(across, down) {
    this.cursor = [clamp(this.cursor[0] + across, 0, this.cells), clamp(this.cursor[1] + down, 0, this.cells)];
  }

  /** The mask as a text, "" where nothing is painted. */
  packed() {
    return textOfMask(this.mask);
  }

  /** What a text says is painted. @param {string} text */
  unpack(text) {
    this.mask = maskOfText(text, this.cells ** 2) ?? new Uint8Array(this.cells ** 2);
  }
}
