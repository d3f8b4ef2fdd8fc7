// The units of a memory as one picture, row by row.

import { paintCells } from "../core/canvas.js";
import { clamp, onCells } from "../core/keys.js";

/** @typedef {import("../core/arrays.js").Numbers} Numbers */

const COLUMNS = 32;
const NOTHING = [0, 0, 0, 0]; // transparent

/** Rows and columns in which so many units lie. @param {number} units @returns {[number, number]} */
export function layout(units) {
  const columns = Math.min(COLUMNS, units);
  return [Math.ceil(units / columns), columns];
}

/** @param {HTMLCanvasElement} canvas @param {Numbers} values @param {(value: number) => number[]} color */
export function paintUnits(canvas, values, color) {
  const [rows, columns] = layout(values.length);
  paintCells(canvas, rows, columns, (index) => (index < values.length ? color(values[index]) : NOTHING));
}

/** The unit under a pointer. @param {HTMLCanvasElement} canvas @param {MouseEvent} event @param {number} units how many there are */
export function unitAt(canvas, event, units) {
  const area = canvas.getBoundingClientRect();
  const [rows, columns] = layout(units);
  const column = Math.floor(((event.clientX - area.left) / area.width) * columns);
  const row = Math.floor(((event.clientY - area.top) / area.height) * rows);
  return clamp(row * columns + column, 0, units - 1);
}

/**
 * The same by arrow keys.
 * @param {HTMLCanvasElement} canvas @param {() => number} units how many there are @param {(unit: number) => void} read
 */
export function onUnits(canvas, units, read) {
  onCells(canvas, {
    name: "Units of a memory: arrow keys read their values",
    size: () => layout(units()),
    over: (row, column) => read(clamp(row * layout(units())[1] + column, 0, units() - 1)),
  });
}
