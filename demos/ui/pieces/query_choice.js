// The layer and the head that are looked at.

import { chip, chipRow } from "../core/dom.js";

/** @param {number} length */
const numbers = (length) => [...Array(length).keys()];

/**
 * Chips for the decoder layers, and for heads with one for all of them together.
 * @param {import("./query_steps.js").Tools} tools @param {number} heads @param {string} together
 */
export function layerAndHead({ state, trace, change }, heads, together) {
  const layers = numbers(trace().layers);
  return [
    chipRow(
      "layer",
      layers.map((layer) => chip(String(layer + 1), layer === state.layer, () => change({ layer }))),
    ),
    chipRow("head", [
      chip(together, state.head === null, () => change({ head: null })),
      ...numbers(heads).map((head) => chip(String(head + 1), head === state.head, () => change({ head }))),
    ]),
  ];
}
