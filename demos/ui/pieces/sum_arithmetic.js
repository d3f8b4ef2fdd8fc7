// The arithmetic of one attention head (Vaswani et al. 2017, section 3.2), and its numbers as they are written.
// Rows are arrays of numbers; `visible[s]` says whether key s may be looked at.

import { clamp } from "../core/keys.js";

/** @typedef {number[]} Row */

/** @param {Row} a @param {Row} b */
export const dot = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);

/** @param {Row} a */
export const length = (a) => Math.sqrt(dot(a, a));

/** @param {Row} query @param {Row[]} keys */
export const products = (query, keys) => keys.map((key) => dot(query, key));

/** @param {Row} scores @param {boolean[]} visible @param {number} temperature */
export function softmax(scores, visible, temperature = 1) {
  const divided = scores.map((score) => score / temperature);
  const top = Math.max(...divided.filter((_, s) => visible[s]));
  const powers = divided.map((score, s) => (visible[s] ? Math.exp(score - top) : 0));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => (sum ? power / sum : 0));
}

/** @param {Row} weights @param {Row[]} values */
export const mix = (weights, values) =>
  values[0].map((_, index) => weights.reduce((sum, weight, s) => sum + weight * values[s][index], 0));

/**
 * One weight set to `value`, the others made larger or smaller in proportion so that all add up to 1. Weights in the set
 * `kept` stay as they are, as long as any other is left to give way.
 * @param {Row} weights @param {boolean[]} visible @param {number} index @param {number} value @param {Set<number>} kept
 */
export function renormalise(weights, visible, index, value, kept = new Set()) {
  const others = [...weights.keys()].filter((s) => visible[s] && s !== index);
  if (!others.length) return weights.map((_, s) => Number(s === index));
  const loose = others.filter((s) => !kept.has(s));
  const free = loose.length ? loose : others;
  const fixed = loose.length ? total(weights, (s) => s !== index && visible[s] && kept.has(s)) : 0;
  const wanted = clamp(Number.isFinite(value) ? value : 0, 0, Math.max(0, 1 - fixed));
  const left = Math.max(0, 1 - fixed - wanted);
  const had = free.reduce((sum, s) => sum + weights[s], 0);
  const result = weights.map((weight, s) => (visible[s] ? weight : 0));
  result[index] = wanted;
  for (const s of free) result[s] = had > 0 ? (weights[s] / had) * left : left / free.length;
  return result;
}

/** @param {Row} weights @param {(s: number) => boolean} counts */
const total = (weights, counts) => weights.reduce((sum, weight, s) => sum + (counts(s) ? weight : 0), 0);

/** How far a sum moved, that as a share of its length, and the cosine between before and after. @param {Row} before @param {Row} after */
export function movement(before, after) {
  const moved = length(before.map((value, index) => after[index] - value));
  const lengths = length(before) * length(after);
  return { moved, share: moved / (length(before) || 1), cosine: lengths ? dot(before, after) / lengths : 1 };
}

/** Three digits. @param {number} value */
export function digits(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size >= 1e5 || size < 1e-4 ? value.toExponential(1).replace("e+", "e") : String(Number(value.toPrecision(3)));
  return text.replace(/-/g, "−");
}

/** A number as it stands in a product. @param {number} value */
export const factor = (value) => (value < 0 ? `(${digits(value)})` : digits(value));

/** The first terms of a sum of products. @param {Row} a @param {Row} b @param {number} count */
export function terms(a, b, count = 3) {
  const shown = a.slice(0, count).map((value, index) => `${factor(value)}·${factor(b[index])}`);
  return `${shown.join(" + ")}${a.length > count ? ` + …, ${a.length} terms` : ""}`;
}
