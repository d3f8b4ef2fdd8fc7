// The logit lens: what every layer would say already, layers up, tokens across. The whole grid is at hand; a click shows
// the cell's numbers at once and tells the page which layer and token it is.

import { largestSize, load, part } from "../core/arrays.js";
import { paintScale } from "../core/canvas.js";
import { chip, element, find } from "../core/dom.js";
import { css, inkOn, sequential } from "../core/ramps.js";
import { readable } from "../pieces/token_strip.js";

/** @typedef {import("../types.js").LensView} LensView */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */
/** @typedef {"prediction" | "final" | "entropy" | "change"} Cells */
/**
 * @typedef {object} Lens  arrays of the shown run, see LensView and LensReading
 * @property {LensView} view
 * @property {NumericArray} sizes
 * @property {NumericArray} changes
 * @property {{ words: string[], ids: NumericArray, probabilities: NumericArray, entropy: NumericArray, final: NumericArray } | null} reading
 */

/** @type {Record<Cells, string>} */
const VIEWS = {
  prediction: "predictions",
  final: "chance of the final answer",
  entropy: "uncertainty (bits)",
  change: "change of the stream",
};
const NOTES = {
  nothing:
    "This network has no table of words to read the stream with, so there is no logit lens; the cells say how much each layer changes the stream.",
  other:
    "The logit lens needs the stack that writes; for the encoder the cells say how much each layer changes the stream.",
  words:
    "Among the predictions, bright cells are sure. In the first layers the lens often reads nonsense: the stream is not yet in the form that the table of words expects.",
};
const ASKS = { next: "the next token", masked: "the token here", nothing: "" };

export const template = `
<div class="lens" data-state="empty">
  <p class="gb-empty">Nothing run yet: type a sentence and press Run.</p>
  <div class="lens-body">
    <p class="gb-said" aria-live="polite"></p>
    <div class="lens-head">
      <span class="gb-chips lens-views" role="group" aria-label="What the cells show"></span>
      <span class="lens-scale"><span>low</span><canvas role="img" aria-label="colour scale"></canvas><span>high</span></span>
    </div>
    <div class="lens-frame"><div class="lens-grid"></div></div>
    <p class="gb-caption lens-note"></p>
    <div class="lens-detail" aria-live="polite"></div>
  </div>
</div>`;

/** @param {number} layer */
const rowName = (layer) => (layer === 0 ? "before layer 1" : `after layer ${layer}`);

/** What a cell shows: a share for its colour, and a text. @param {Lens} lens @param {Cells} cells @param {number} layer @param {number} token @returns {[number, string]} */
export function cellOf({ changes, reading }, cells, layer, token) {
  if (cells === "change" || !reading) {
    const change = part(changes, layer, token).data[0];
    return [change / (largestSize(changes.data) || 1), change.toFixed(2)];
  }
  if (cells === "prediction") {
    const word = reading.words[part(reading.ids, layer, token).data[0]];
    return [Math.sqrt(part(reading.probabilities, layer, token).data[0]), readable(word)];
  }
  if (cells === "final") {
    const share = part(reading.final, layer, token).data[0];
    return [Math.sqrt(share), share.toFixed(2)];
  }
  const bits = part(reading.entropy, layer, token).data[0];
  return [bits / (largestSize(reading.entropy.data) || 1), bits.toFixed(1)];
}

export default class LogitLens {
  /** @type {Lens | null} */ #lens = null;
  /** @type {Cells} */ #cells = "prediction";
  #layer = 0;
  #token = 0;
  #asked = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit, look }) {
    this.root = root;
    this.emit = emit;
    this.look = look;
    paintScale(find(root, ".lens-scale canvas"), sequential);
  }

  /** @param {LensView | null} value */
  async show(value) {
    if (!value) return;
    const asked = ++this.#asked;
    const lens = await loaded(value);
    if (asked !== this.#asked) return;
    this.#lens = lens;
    [this.#layer, this.#token] = [value.layer, value.token];
    if (!value.lens) this.#cells = "change";
    find(this.root, ".lens").dataset.state = "full";
    find(this.root, ".lens-note").textContent =
      NOTES[value.lens ? "words" : value.predicts === "nothing" ? "nothing" : "other"];
    this.#goWhereTheLinkSays(value, lens.changes.shape);
    this.#drawGrid(lens);
  }

  /** @param {LensView} view @param {readonly number[]} shape layers and one, tokens */
  #goWhereTheLinkSays({ layer, token }, [layers, tokens]) {
    const said = (this.look.take("cell") ?? "").split(".").map(Number);
    if (said.length !== 2 || !said.every(Number.isInteger) || !(said[0] < layers && said[1] < tokens)) return;
    if (said[0] === layer && said[1] === token) return;
    [this.#layer, this.#token] = said;
    this.#tell();
  }

  /** Has the chosen cell taken apart on the page. */
  #tell() {
    this.look.set("cell", `${this.#layer}.${this.#token}`);
    this.emit.pick({ layer: this.#layer, token: this.#token });
  }

  /** @param {Lens} lens */
  #drawGrid(lens) {
    const { tokens } = lens.view;
    const names = /** @type {Cells[]} */ (lens.reading ? Object.keys(VIEWS) : ["change"]);
    const chips = names.map((name) =>
      chip(VIEWS[name], name === this.#cells, () => {
        this.#cells = name;
        this.#drawGrid(lens);
      }),
    );
    find(this.root, ".lens-views").replaceChildren(...chips);
    const rows = Array.from({ length: lens.changes.shape[0] }, (_, layer) => [
      element("div", { class: "lens-row" }, rowName(layer)),
      ...tokens.map((_, token) => this.#cell(lens, layer, token)),
    ]);
    const read = tokens.map((word) => element("div", { class: "lens-read" }, readable(word)));
    const grid = find(this.root, ".lens-grid");
    grid.style.gridTemplateColumns = `max-content repeat(${tokens.length}, minmax(3.4rem, max-content))`;
    grid.replaceChildren(...rows.reverse().flat(), element("div", { class: "lens-row lens-read" }, "read"), ...read);
    this.#drawPicked(lens);
  }

  /** @param {Lens} lens @param {number} layer @param {number} token */
  #cell(lens, layer, token) {
    const [share, text] = cellOf(lens, this.#cells, layer, token);
    const color = sequential(share);
    return element(
      "button",
      {
        type: "button",
        class: "lens-cell",
        title: `${readable(lens.view.tokens[token])} (${token + 1}), ${rowName(layer)}: ${text}`,
        data: { at: `${layer},${token}` },
        style: { background: css(color), color: inkOn(color) },
        onclick: () => {
          [this.#layer, this.#token] = [layer, token];
          this.#drawPicked(lens);
          this.#tell();
        },
      },
      text,
    );
  }

  /** @param {Lens} lens */
  #drawPicked(lens) {
    const [layer, token] = [this.#layer, this.#token];
    /** @type {NodeListOf<HTMLElement>} */
    const cells = this.root.querySelectorAll(".lens-cell");
    for (const cell of cells) cell.setAttribute("aria-pressed", String(cell.dataset.at === `${layer},${token}`));
    find(this.root, ".gb-said").textContent = findingOf(lens, token);
    find(this.root, ".lens-detail").replaceChildren(
      element("div", {}, sentenceOf(lens, layer, token)),
      ...barsOf(lens, layer, token),
    );
  }
}

/** @param {LensView} view @returns {Promise<Lens>} */
async function loaded(view) {
  const { lens } = view;
  const [sizes, changes] = await Promise.all([load(view.sizes), load(view.changes)]);
  if (!lens) return { view, sizes, changes, reading: null };
  const arrays = await Promise.all([lens.ids, lens.probabilities, lens.entropy, lens.final].map(load));
  const [ids, probabilities, entropy, final] = arrays;
  return { view, sizes, changes, reading: { words: lens.words, ids, probabilities, entropy, final } };
}

/** From which layer on a token's answer stands first, or which layer changes it most. @param {Lens} lens @param {number} token */
function findingOf({ view, changes, reading }, token) {
  const last = changes.shape[0] - 1;
  const name = `“${readable(view.tokens[token])}”`;
  if (!reading) {
    const shares = Array.from({ length: last }, (_, layer) => part(changes, layer + 1, token).data[0]);
    const most = shares.indexOf(Math.max(...shares));
    return `Layer ${most + 1} changes ${name} most: ${(100 * shares[most]).toFixed(0)} % of its stream.`;
  }
  /** @param {number} layer */
  const first = (layer) => part(reading.ids, layer, token).data[0];
  let since = last;
  while (since > 0 && first(since - 1) === first(last)) since--;
  const share = part(reading.probabilities, last, token).data[0].toFixed(2);
  const answer = `“${readable(reading.words[first(last)])}” (${share})`;
  const place = view.predicts === "masked" ? `In place of ${name}` : `After ${name}`;
  return `${place} the network expects ${answer}; it stands first ${since ? `from layer ${since} of ${last} on` : "before any layer"}.`;
}

/** @param {Lens} lens @param {number} layer @param {number} token */
function sentenceOf({ view, sizes, changes, reading }, layer, token) {
  const size = part(sizes, layer, token).data[0].toFixed(1);
  const change = layer
    ? `, of which this layer changed ${(100 * part(changes, layer, token).data[0]).toFixed(0)} %`
    : "";
  const asks = reading ? `. Read as if it were the last layer, ${ASKS[view.predicts]} would be` : ".";
  return `${readable(view.tokens[token])} (${token + 1}) ${rowName(layer)}: a stream of size ${size}${change}${asks}`;
}

/** @param {Lens} lens @param {number} layer @param {number} token */
function barsOf({ reading }, layer, token) {
  if (!reading) return [];
  const shares = part(reading.probabilities, layer, token).data;
  return Array.from(part(reading.ids, layer, token).data, (id, rank) => [
    element("span", { class: "lens-word" }, readable(reading.words[id])),
    element("span", { class: "lens-bar", style: { width: `${100 * shares[rank]}%` } }),
    element("span", {}, shares[rank].toFixed(3)),
  ]).flat();
}
