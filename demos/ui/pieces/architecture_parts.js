// The parts of a Transformer's layers, what each does with a token in this run, and the page that takes it apart there.

import { quoted } from "../core/format.js";

/** @typedef {import("../types.js").PictureView} PictureView */
/** @typedef {{ name: string, reads: string, role: string, page: string, values: Record<string, string> }} Door */

/** What happens in which order, in words: the encoder's layers, then the decoder's. @param {PictureView} view */
export function levels({ encoder, decoder }) {
  const layers = (/** @type {number} */ count, /** @type {string} */ name) =>
    Array.from(
      { length: count - 1 },
      (_, layer) => `${name}, layer ${layer + 1}: every token reads from others, then is worked on alone.`,
    );
  return [
    "Each English token becomes a vector of its own, with its place added. The twin has read its first.",
    ...layers(encoder.largest.length, "Encoder"),
    "The French written so far becomes vectors in the same way.",
    ...layers(decoder.largest.length, "Decoder"),
  ];
}

/**
 * The parts of a layer from the bottom up, at a token.
 * @param {PictureView} view @param {"encoder" | "decoder"} side @param {number} layer @param {number} token
 * @returns {Door[]}
 */
export function doorsOf(view, side, layer, token) {
  const { text, model } = view;
  const stack = side === "encoder" ? "encoder" : "last";
  const cell = { page: "attention/layers", values: { text, model, stack, cell: `${layer + 1}.${token}` } };
  const sources = { encoder: view.encoder.tokens, decoder: view.decoder.tokens, cross: view.encoder.tokens };
  const kinds = side === "encoder" ? /** @type {const} */ (["encoder"]) : /** @type {const} */ (["decoder", "cross"]);
  const attentions = kinds.map((kind) => {
    const looks = view.looks.find((one) => one.kind === kind);
    const [head, source, weight] = looks?.best[layer][token] ?? [0, 0, 0];
    return {
      name: kind === "cross" ? "cross-attention" : "self-attention",
      reads: `head ${head + 1}: ${quoted(view[side].tokens[token])} reads ${quoted(sources[kind][source])} ${weight.toFixed(2)}`,
      role: "query",
      page: "attention/weighted_sum",
      values: { text, model, head: [kind, layer, head, token].join(".") },
    };
  });
  const added = { name: "add", reads: "to what was known; normed for the next part", role: "memory", ...cell };
  const forward = { name: "feed-forward", reads: "of this token alone", role: "value", ...cell };
  return [...attentions.flatMap((attention) => [attention, added]), forward, added];
}
