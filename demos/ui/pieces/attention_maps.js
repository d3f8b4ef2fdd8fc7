// Attention weights as the explorer asks for them: 0 to 1, by layer, head and looking token. After the heads come
// summaries of a layer: head = heads is their mean, heads + 1 the rollout up to this layer.

import { load, part } from "../core/arrays.js";
import { patchName } from "./picture_tokens.js";

/** @typedef {import("../types.js").TextAttention} TextAttention */
/** @typedef {import("../types.js").PatchAttention} PatchAttention */
/** @typedef {import("../types.js").PatchRows} PatchRows */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

/** Tokens in a line: all maps are here. */
export class TextMaps {
  /** @type {Map<number, Float32Array>} */ #means = new Map();

  /** @param {TextAttention} view @param {NumericArray} weights @param {NumericArray | null} rollout */
  constructor(view, weights, rollout) {
    this.view = view;
    this.weights = weights;
    this.rollout = rollout;
    this.summaries = rollout ? ["mean", "rollout"] : ["mean"];
    this.rows = view.rows.length;
    this.columns = view.columns.length;
  }

  /** @param {TextAttention} view */
  static async of(view) {
    const [weights, rollout] = await Promise.all([load(view.weights), view.rollout && load(view.rollout)]);
    return new TextMaps(view, weights, rollout);
  }

  /** `[rows, columns]` @param {number} layer @param {number} head @returns {Float32Array} */
  map(layer, head) {
    return head === this.view.heads ? this.#mean(layer) : this.#shares(this.#steps(layer, head));
  }

  /** What a token takes from each. @param {number} layer @param {number} head @param {number} token */
  row(layer, head, token) {
    if (head !== this.view.heads) return this.#shares(part(this.#steps(layer, head), token));
    return this.#mean(layer).subarray(token * this.columns, (token + 1) * this.columns);
  }

  /**
   * All heads by how much of its attention one token takes from another, most first.
   * @param {number} row @param {number} column @returns {{ layer: number, head: number, weight: number }[]}
   */
  ranked(row, column) {
    const { layers, heads, steps } = this.view;
    const { data } = this.weights;
    const ranked = Array.from({ length: layers * heads }, (_, index) => ({
      layer: Math.floor(index / heads),
      head: index % heads,
      weight: data[(index * this.rows + row) * this.columns + column] / steps,
    }));
    return ranked.sort((one, other) => other.weight - one.weight);
  }

  /** @param {NumericArray} steps */
  #shares({ data }) {
    return Float32Array.from(data, (step) => step / this.view.steps);
  }

  /** @param {number} layer @param {number} head */
  #steps(layer, head) {
    if (head < this.view.heads) return part(this.weights, layer, head);
    if (!this.rollout) throw new Error("This attention has no rollout.");
    return part(this.rollout, layer);
  }

  /** @param {number} layer */
  #mean(layer) {
    const known = this.#means.get(layer);
    if (known) return known;
    const { heads, steps } = this.view;
    const mean = new Float32Array(this.rows * this.columns);
    for (let head = 0; head < heads; head++)
      part(this.weights, layer, head).data.forEach((step, index) => {
        mean[index] += step / steps / heads;
      });
    this.#means.set(layer, mean);
    return mean;
  }
}

/** Tokens on a picture: the rows of one looking token at a time. CLS is token 0. */
export class PatchMaps {
  /** @type {Map<number, { steps: NumericArray, largest: NumericArray }>} */ #rows = new Map();

  /** @param {PatchAttention} view @param {(token: number) => Promise<PatchRows>} asked */
  constructor(view, asked) {
    this.view = view;
    this.asked = asked;
    this.summaries = view.rollout ? ["mean", "rollout"] : ["mean"];
    this.tokens = 1 + view.picture.rows * view.picture.columns;
    this.first = view.token ?? 0;
  }

  /** Name of a token. @param {number} token */
  name(token) {
    return token ? patchName(token, this.view.picture.columns) : "CLS";
  }

  /** Fetches the rows of a token, once. @param {number} token */
  async need(token) {
    if (this.#rows.has(token)) return;
    const rows = token === this.first ? this.view.chosen : await this.asked(token);
    const [steps, largest] = await Promise.all([load(rows.steps), load(rows.largest)]);
    this.#rows.set(token, { steps, largest });
  }

  /** What a token takes from each; it must have been needed. @param {number} layer @param {number} head @param {number} token */
  row(layer, head, token) {
    const { heads } = this.view;
    if (head !== heads) return this.#unpacked(layer, Math.min(head, heads), token);
    const mean = new Float32Array(this.tokens);
    for (let one = 0; one < heads; one++)
      this.#unpacked(layer, one, token).forEach((weight, index) => {
        mean[index] += weight / heads;
      });
    return mean;
  }

  /** Where a token looks on the picture, as shares of the most it takes from a patch. @param {number} layer @param {number} head @param {number} token */
  small(layer, head, token) {
    const patches = this.row(layer, head, token).subarray(1);
    const largest = patches.reduce((most, weight) => Math.max(most, weight), 1e-9);
    return patches.map((weight) => weight / largest);
  }

  /** @param {number} layer @param {number} which @param {number} token */
  #unpacked(layer, which, token) {
    const rows = this.#rows.get(token);
    if (!rows) throw new Error("These rows were not fetched.");
    const scale = part(rows.largest, layer, which).data[0] / 255 ** 2;
    return Float32Array.from(part(rows.steps, layer, which).data, (step) => step * step * scale);
  }
}
