// A scale of colours between the two numbers it goes from and to.

import { contextOf, paintScale } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { fixed } from "../core/format.js";

/** @param {number} low @param {number} high @returns {[string, string]} */
export const ends = (low, high) => [fixed(low, low ? 1 : 0), fixed(high, 1)];

/**
 * @param {HTMLElement} scale with a canvas, `.low` and `.high` @param {((share: number) => number[]) | null} color
 *   of 0 to 1; null leaves it to the style sheet, for surprise
 * @param {string} low @param {string} high
 */
export function showScale(scale, color, low, high) {
  const canvas = find(scale, "canvas");
  scale.classList.toggle("of-surprise", !color);
  if (color) paintScale(canvas, color);
  else contextOf(canvas).clearRect(0, 0, canvas.width, canvas.height);
  find(scale, ".low").textContent = low;
  find(scale, ".high").textContent = high;
}
