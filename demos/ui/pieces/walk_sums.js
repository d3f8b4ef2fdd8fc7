// How one number of a vector on a token's way comes about, as it is written under its strip.

import { equation } from "../core/arithmetic.js";
import { digits, factor } from "./sum_arithmetic.js";

/** @typedef {import("../types.js").StationView} Station */
/** @typedef {import("../types.js").Worked} Sum */
/** @typedef {ArrayLike<number>} Numbers */

/** What the station before made, where a function of single numbers makes this one. @type {Record<string, string>} */
const FROM = {
  scores: "query times key",
  weights: "scores",
  "mlp hidden": "mlp inner",
  answer: "scores of the categories",
};

/**
 * The sum behind the number of a station that is worked out; "" where there is none.
 * @param {Station[]} stations @param {Numbers[]} strips the numbers of each @param {number} index which station
 */
export function workedOut(stations, strips, index) {
  const { name, number, sum } = stations[index];
  if (!(number >= 0)) return "";
  const value = strips[index][number];
  if (sum) return `number ${number + 1}: ${sumText(sum)}`;
  const before = stations.findIndex((station) => station.name === FROM[name]);
  if (before < 0) return "";
  const made = strips[before];
  if (name === "scores") {
    const total = stations[before].sum?.total ?? 0;
    return `number ${number + 1}: ${equation(`${digits(total)} / √${made.length}`, value, digits)}`;
  }
  if (name === "mlp hidden") return `number ${number + 1}: GELU(${digits(made[number])}) = ${digits(value)}`;
  return `number ${number + 1}: ${softmaxText(made, number, value)}`;
}

/** Products, what is left of them, and the bias. @param {Sum} sum */
export function sumText({ left, right, rest, count, bias, total }) {
  const products = left.map((value, index) =>
    right[index] === 1 ? factor(value) : `${factor(value)}·${factor(right[index])}`,
  );
  if (count > left.length) products.push(`… ${(count - left.length).toLocaleString("en")} others: ${factor(rest)}`);
  if (bias) products.push(`${count > left.length ? "bias " : ""}${factor(bias)}`);
  return equation(products.join(" + "), total, digits);
}

/** Powers of e of scores less the largest. @param {Numbers} scores @param {number} number @param {number} value */
function softmaxText(scores, number, value) {
  const top = Math.max(...Array.from(scores));
  const total = Array.from(scores).reduce((sum, score) => sum + Math.exp(score - top), 0);
  const less = scores[number] - top;
  return `e^(score − largest) / the same of all: ${equation(`e^${factor(less)} / ${digits(total)}`, value, digits)}`;
}
