// Names that several views of the Attention tab give.

import { quoted } from "../core/format.js";

/** A token with its place: "“cat” (3)". @param {string} token @param {number} index */
export const named = (token, index) => `${quoted(token)} (${index + 1})`;

export const KINDS = {
  encoder: "Encoder self-attention",
  decoder: "Decoder self-attention",
  cross: "Cross-attention",
};
