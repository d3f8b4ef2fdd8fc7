// Points of the plane to learn: shapes, letters, and what is drawn by hand.

import { contextOf } from "../core/canvas.js";
import { element } from "../core/dom.js";
import { normalNumbers } from "./flow_network.js";

/** @typedef {import("./flow_network.js").Random} Random */
/** @typedef {"spiral" | "moons" | "letters" | "drawn"} Shape */

/** The plane reaches from -EDGE to EDGE both ways. */
export const EDGE = 3;
const POINTS = 1200;
const MAX_DRAWN = 2000;
const SEED = 7;

/** @param {Random} random @returns {[number, number]} */
function spiral({ uniform, normal }) {
  const turn = Math.sqrt(uniform());
  const angle = turn * 3 * Math.PI;
  return [1.7 * turn * Math.cos(angle) + 0.03 * normal(), 1.7 * turn * Math.sin(angle) + 0.03 * normal()];
}

/** @param {Random} random @returns {[number, number]} */
function moons({ uniform, normal }) {
  const [angle, upper] = [Math.PI * uniform(), uniform() < 0.5];
  const [x, y] = upper
    ? [Math.cos(angle) - 0.5, Math.sin(angle) - 0.25]
    : [0.5 - Math.cos(angle), 0.25 - Math.sin(angle)];
  return [1.15 * x + 0.05 * normal(), 1.3 * y + 0.05 * normal()];
}

/** Points in the ink of a text; null where it has none. @param {string} text */
function letters(text) {
  const side = 128;
  const context = contextOf(element("canvas", { width: side, height: side }));
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `bold ${Math.min(100, 190 / Math.max(1, text.length))}px sans-serif`;
  context.fillText(text, side / 2, side / 2);
  const alpha = context.getImageData(0, 0, side, side).data;
  const inked = Array.from({ length: side * side }, (_, place) => place).filter((place) => alpha[4 * place + 3] > 128);
  if (!inked.length) return null;
  return (/** @type {Random} */ { uniform }) => {
    const place = inked[Math.floor(uniform() * inked.length)];
    return [
      (((place % side) + uniform()) / side - 0.5) * 3.8,
      (0.5 - (Math.floor(place / side) + uniform()) / side) * 3.8,
    ];
  };
}

/** Points `[count, 2]` of a shape; none where it is drawn by hand, or the text is empty. @param {Shape} shape @param {string} text */
export function pointsOf(shape, text) {
  const random = normalNumbers(SEED);
  const point = { spiral, moons, letters: text ? letters(text) : null, drawn: null }[shape];
  return new Float64Array(point ? Array.from({ length: POINTS }, () => point(random)).flat() : []);
}

/** The points with a few more around a place. @param {Float64Array} points @param {number} x @param {number} y */
export function pointsWith(points, x, y) {
  const { normal } = normalNumbers(points.length + 1);
  const added = Array.from({ length: 6 }, () => [x + 0.05 * normal(), y + 0.05 * normal()]).flat();
  return new Float64Array([...points, ...added].slice(-2 * MAX_DRAWN));
}
