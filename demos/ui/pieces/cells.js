// Numbers of a head as coloured cells.

import { paintCells } from "../core/canvas.js";
import { diverging, sequential } from "../core/ramps.js";

/**
 * @param {HTMLCanvasElement} canvas @param {(number | null)[][]} rows  nothing is painted for null
 * @param {number | null} limit  of the colours, or null for weights of 0 to 1
 */
export function paintSums(canvas, rows, limit) {
  const columns = rows[0].length;
  paintCells(canvas, rows.length, columns, (index) => {
    const value = rows[Math.floor(index / columns)][index % columns];
    if (value === null) return [0, 0, 0, 0];
    return limit === null ? sequential(Math.sqrt(value)) : diverging(value / limit);
  });
}
