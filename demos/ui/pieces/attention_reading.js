// Where one token looks, in words and in bars.

import { element } from "../core/dom.js";
import { quoted } from "../core/format.js";
import { PatchMaps } from "./attention_maps.js";

/** @typedef {import("./attention_maps.js").TextMaps} TextMaps */

const BARS = 8;

/** A looking token by name. @param {TextMaps | PatchMaps} maps @param {number} token */
export function lookingName(maps, token) {
  if (maps instanceof PatchMaps) return maps.name(token);
  const { kind, rows } = maps.view;
  return `${kind === "cross" ? "writing " : ""}${quoted(rows[token])} (${token + 1})`;
}

/** A token that is looked at. @param {TextMaps | PatchMaps} maps @param {number} token */
export const seenName = (maps, token) =>
  maps instanceof PatchMaps ? maps.name(token) : `${quoted(maps.view.columns[token])} (${token + 1})`;

/** Indices of weights, the largest first. @param {Float32Array} weights */
export const largestFirst = (weights) => [...weights.keys()].sort((a, b) => weights[b] - weights[a]);

/**
 * The largest weights of a token and what is left for the others.
 * @param {HTMLElement} root @param {TextMaps | PatchMaps} maps @param {Float32Array} weights @param {number} token who looks
 */
export function showBars(root, maps, weights, token) {
  const order = largestFirst(weights);
  const rest = order.slice(BARS).reduce((sum, index) => sum + weights[index], 0);
  /** @param {number} index */
  const name = (index) =>
    maps instanceof PatchMaps ? maps.name(index) : `${maps.view.columns[index].trim() || "space"} (${index + 1})`;
  root.replaceChildren(
    element("div", { class: "ax-bars-title" }, `${lookingName(maps, token)} takes from`),
    ...order.slice(0, BARS).flatMap((index) => bar(name(index), weights[index])),
    ...(order.length > BARS ? bar(`${order.length - BARS} others`, rest) : []),
  );
}

/** @param {string} name @param {number} weight */
const bar = (name, weight) => [
  element("span", { class: "ax-bar-name" }, name),
  element("span", { class: "ax-bar", style: { width: `${100 * weight}%` } }),
  element("span", {}, weight.toFixed(3)),
];
