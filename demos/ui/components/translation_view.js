// A translation under way: the alignment grid, what each written token read, and what else could stand there.

import { largestSize, load, part } from "../core/arrays.js";
import { onTheme, onWidth, paintCells, paintScale } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { fixed, quoted } from "../core/format.js";
import { diverging, sequential } from "../core/ramps.js";
import { HeatMap } from "../pieces/heat_map.js";
import { readable, TokenStrip } from "../pieces/token_strip.js";

/** @typedef {import("../types.js").WritingView} WritingView */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

const NEXT = " …";
const STRONGEST = 3;
const VECTOR_COLUMNS = 32;

export const template = `
<div class="gb-panel tv" data-state="empty">
  <p class="gb-empty">Nothing is written yet: press Next word, and again.</p>
  <div class="tv-body">
    <p class="tv-text"><b lang="fr"></b> <span class="tv-total"></span></p>
    <p class="tv-note" hidden></p>
    <div class="tv-title tv-source-title"></div>
    <div class="tv-source" role="group" aria-label="English tokens"></div>
    <div class="tv-title tv-written-title"></div>
    <div class="tv-written" role="group" aria-label="French tokens" lang="fr"></div>
    <p class="gb-said tv-readout" aria-live="polite"></p>
    <div class="tv-columns">
      <div class="tv-grid">
        <div class="tv-head"><span>Alignment: French down, English across</span>
          <label class="tv-which">shown <select></select></label></div>
        <div><canvas class="tv-map" role="img" aria-label="alignment grid"></canvas></div>
        <div class="hm-scale"><span>0</span><canvas role="img" aria-label="colour scale"></canvas><span>1</span><span>weight; colour grows with its square root</span></div>
      </div>
      <div class="tv-vector" hidden>
        <div class="tv-head">All that the decoder is told</div>
        <p>This network has no attention, so there is no grid: it cannot look back. Whatever the length of the sentence,
        every word is written from this one vector, the encoder's last state.</p>
        <canvas role="img" aria-label="the encoder's last state"></canvas>
        <p class="tv-range"></p>
      </div>
      <div class="tv-choices">
        <div class="tv-head tv-asked"></div>
        <div class="tv-candidates" role="group" aria-label="Candidates"></div>
        <p class="gb-caption">Click one to write it there; the network goes on from it.</p>
      </div>
    </div>
  </div>
</div>`;

/**
 * Weights `[rows, columns]` of a choice: "mean" of all layers and heads, "1-all" of a layer's heads, "1-3" of one head.
 * @param {NumericArray} weights `[layers, heads, rows, columns]` in steps @param {number} steps @param {string} choice
 */
export function alignmentOf(weights, steps, choice) {
  const [layers, heads, rows, columns] = weights.shape;
  const [layer, head] = choice.split("-");
  const sum = new Float32Array(rows * columns);
  let count = 0;
  for (let l = 0; l < layers; l++)
    for (let h = 0; h < heads; h++) {
      if (layer !== "mean" && (l !== Number(layer) || (head !== "all" && h !== Number(head)))) continue;
      part(weights, l, h).data.forEach((step, index) => {
        sum[index] += step;
      });
      count++;
    }
  return sum.map((value) => value / steps / (count || 1));
}

/** The choices of `alignmentOf` with their names. @param {number} layers @param {number} heads @returns {[string, string][]} */
export function choicesOf(layers, heads) {
  if (layers * heads <= 1) return [["mean", "the attention"]];
  /** @type {[string, string][]} */
  const choices = [["mean", "mean of all heads"]];
  for (let layer = 0; layer < layers; layer++) {
    choices.push([`${layer}-all`, `layer ${layer + 1}, mean`]);
    for (let head = 0; head < heads; head++) choices.push([`${layer}-${head}`, `layer ${layer + 1}, head ${head + 1}`]);
  }
  return choices;
}

/**
 * The largest of `count` values in words. @param {number} count @param {(index: number) => number} value @param {(index: number) => string} name
 */
const strongest = (count, value, name) =>
  [...Array(count).keys()]
    .sort((a, b) => value(b) - value(a))
    .slice(0, STRONGEST)
    .map((index) => `${name(index)} ${value(index).toFixed(2)}`)
    .join(", ");

export default class TranslationView {
  /** @type {WritingView | null} */ #shown = null;
  /** @type {NumericArray | null} */ #weights = null;
  #grid = new Float32Array();
  #choice = "mean";
  /** @type {number | null} */ #row = null;
  /** @type {number | null} */ #column = null;
  /** @type {import("../pieces/heat_map.js").Place | null} */ #hovered = null;
  #asked = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.root = root;
    this.emit = emit;
    this.map = new HeatMap(find(root, ".tv-map"), {
      onHover: (at) => {
        this.#hovered = at;
        this.#drawReading();
      },
      onPick: ({ row }) => this.#pick(row, null),
    });
    this.source = new TokenStrip(find(root, ".tv-source"), {
      onPick: (column) => this.#weights && this.#pick(null, column),
    });
    this.written = new TokenStrip(find(root, ".tv-written"), { onPick: (row) => this.#pick(row, null) });
    this.select = /** @type {HTMLSelectElement} */ (find(root, "select"));
    this.select.addEventListener("change", () => {
      this.#choice = this.select.value;
      this.#pick(this.#row, this.#column);
    });
    paintScale(find(root, ".hm-scale canvas"), sequential);
    onWidth(find(root, ".tv-grid"), () => this.#drawMap());
    onTheme(() => this.#drawMap());
  }

  /** @param {WritingView | null} value */
  async show(value) {
    const asked = ++this.#asked;
    if (!value) {
      this.#shown = null;
      find(this.root, ".tv").dataset.state = "empty";
      return;
    }
    const [weights, vector] = await Promise.all([
      value.weights && load(value.weights),
      value.vector && load(value.vector),
    ]);
    if (asked !== this.#asked) return;
    [this.#shown, this.#weights] = [value, weights];
    [this.#row, this.#column, this.#hovered] = [value.candidates.length - 1, null, null];
    find(this.root, ".tv").dataset.state = "full";
    this.#drawText(value);
    this.#drawChoices(value);
    if (vector) this.#drawVector(vector);
    this.#draw();
  }

  /** @param {WritingView} value */
  #drawText({ text, written, total, ended, note, source }) {
    const { root } = this;
    find(root, ".tv-text b").textContent = text;
    find(root, ".tv-total").textContent = written.length
      ? `log probability ${fixed(total, 2)}${ended ? "" : " so far"}`
      : "nothing written yet";
    find(root, ".tv-note").hidden = !note;
    find(root, ".tv-note").textContent = note;
    this.source.show(source);
    this.written.show(ended ? written : [...written, NEXT]);
    if (!ended) find(root, ".tv-written").lastElementChild.classList.add("tv-next");
  }

  /** @param {WritingView} value */
  #drawChoices({ layers, heads }) {
    const choices = choicesOf(layers, heads);
    if (!choices.some(([name]) => name === this.#choice)) this.#choice = "mean";
    this.select.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
    this.select.value = this.#choice;
    find(this.root, ".tv-which").hidden = choices.length < 2;
  }

  /** @param {NumericArray} vector */
  #drawVector({ data }) {
    const limit = Math.max(largestSize(data), 1e-9);
    const rows = Math.ceil(data.length / VECTOR_COLUMNS);
    paintCells(find(this.root, ".tv-vector canvas"), rows, VECTOR_COLUMNS, (index) =>
      index < data.length ? diverging(data[index] / limit) : [0, 0, 0, 0],
    );
    find(this.root, ".tv-range").textContent =
      `${data.length} numbers, −${limit.toFixed(2)} (blue) to ${limit.toFixed(2)} (orange)`;
  }

  /** @param {number | null} row @param {number | null} column */
  #pick(row, column) {
    if (!this.#shown) return;
    [this.#row, this.#column, this.#hovered] = [row, column, null];
    this.#draw();
  }

  #draw() {
    const { root } = this;
    const looks = this.#weights !== null;
    if (this.#shown && this.#weights) this.#grid = alignmentOf(this.#weights, this.#shown.steps, this.#choice);
    find(root, ".tv-source-title").textContent =
      `English, as it is read${looks ? ": click a token to see which French ones looked at it" : ""}`;
    find(root, ".tv-written-title").textContent =
      `French, as far as it is written: click a token to see ${looks ? "where the network looked for it, and " : ""}what else could stand there`;
    find(root, ".tv-grid").hidden = !looks;
    find(root, ".tv-vector").hidden = looks;
    const [row, column] = [this.#row, this.#column];
    this.source.shade(looks && row !== null ? (index) => this.#weight(row, index) : null, column);
    this.written.shade(looks && column !== null ? (index) => this.#weight(index, column) : null, row);
    this.#drawMap();
    this.#drawReading();
    this.#drawCandidates();
  }

  /** @param {number} row @param {number} column */
  #weight(row, column) {
    return this.#grid[row * (this.#shown?.source.length ?? 0) + column];
  }

  /** @param {number} row */
  #name(row) {
    const written = this.#shown?.written ?? [];
    return row < written.length ? quoted(written[row]) : "the next token";
  }

  #drawMap() {
    if (!this.#shown || !this.#weights) return;
    const { written, ended, source, candidates } = this.#shown;
    this.map.show({
      rows: candidates.length,
      columns: source.length,
      rowLabels: [...written, ...(ended ? [] : [NEXT])].map(readable),
      columnLabels: source.map(readable),
      weights: this.#grid,
      row: this.#row,
      column: this.#column,
    });
  }

  #drawReading() {
    find(this.root, ".tv-readout").textContent = this.#shown && this.#weights ? this.#reading(this.#shown) : "";
  }

  /** @param {WritingView} shown */
  #reading({ source, candidates }) {
    if (this.#hovered) {
      const { row, column } = this.#hovered;
      return `${this.#name(row)} takes ${this.#weight(row, column).toFixed(3)} from ${quoted(source[column])}.`;
    }
    const column = this.#column;
    if (column !== null) {
      const most = strongest(
        candidates.length,
        (row) => this.#weight(row, column),
        (row) => this.#name(row),
      );
      return `${quoted(source[column])} was looked at most for ${most}.`;
    }
    const row = this.#row ?? 0;
    const most = strongest(
      source.length,
      (index) => this.#weight(row, index),
      (index) => quoted(source[index]),
    );
    return `For ${this.#name(row)} the network looks most at ${most}.`;
  }

  #drawCandidates() {
    if (!this.#shown) return;
    const { candidates, written, ids } = this.#shown;
    const position = this.#row ?? candidates.length - 1;
    const next = position >= written.length;
    find(this.root, ".tv-asked").textContent = next
      ? "What could come next"
      : `What could stand in place of ${this.#name(position)}`;
    const buttons = candidates[position].map(([id, word, probability]) => {
      const onclick = () => this.emit.force({ position, token: id });
      const pressed = !next && id === ids[position];
      const button = element(
        "button",
        { type: "button", "aria-pressed": pressed, onclick },
        element("span", { lang: "fr" }, readable(word)),
        element("i", {}, probability < 0.0005 ? "< 0.001" : probability.toFixed(3)),
      );
      button.style.setProperty("--tv-share", `${100 * probability}%`);
      return button;
    });
    find(this.root, ".tv-candidates").replaceChildren(...buttons);
  }
}
