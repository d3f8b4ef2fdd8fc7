// The whole architecture with a sentence flowing through it: encoder, decoder, and the recurrent twin. Columns are
// vectors; a click on one chooses its token, a click on a part opens the page that takes it apart, at that very place.

import { open } from "../core/address.js";
import { load, part } from "../core/arrays.js";
import { element, find } from "../core/dom.js";
import { quoted } from "../core/format.js";
import { doorsOf, levels } from "../pieces/architecture_parts.js";
import { VectorColumns } from "../pieces/vector_columns.js";

/** @typedef {import("../types.js").PictureView} PictureView */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */
/** @typedef {"encoder" | "decoder"} Side */
/** @typedef {{ node: HTMLElement, level: number }} Row  a line of the drawing, lit from that level of the flow on */

const MILLISECONDS_A_LEVEL = 700;

export const template = `
<div class="ar gb-panel" data-state="empty">
  <p class="gb-empty">Type a sentence and press Run.</p>
  <div class="ar-body">
    <div class="ar-controls">
      <button type="button" class="ar-play">Play</button>
      <button type="button" class="ar-back">Back</button>
      <button type="button" class="ar-next">Next</button>
      <span class="gb-said ar-said" aria-live="polite"></span>
    </div>
    <div class="ar-columns">
      <section class="ar-encoder" aria-label="Transformer, encoder"></section>
      <section class="ar-decoder" aria-label="Transformer, decoder"></section>
      <section class="ar-twin" aria-label="Recurrent twin"></section>
    </div>
  </div>
</div>`;

export default class Architecture {
  /** @type {PictureView | null} */ #view = null;
  /** @type {Row[]} */ #rows = [];
  /** @type {Record<Side, number>} */ #token = { encoder: 0, decoder: 0 };
  /** @type {VectorColumns[]} */ #columns = [];
  /** @type {(() => void)[]} what depends on the chosen tokens */ #told = [];
  #level = 0;
  #playing = 0;
  #asked = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props }) {
    this.root = root;
    if (props.first === "twin") find(root, ".ar-columns").prepend(find(root, ".ar-twin"));
    find(root, ".ar-play").addEventListener("click", () => (this.#playing ? this.#stop() : this.#play()));
    find(root, ".ar-back").addEventListener("click", () => this.#go(-1));
    find(root, ".ar-next").addEventListener("click", () => this.#go(1));
  }

  /** @param {PictureView | null} view */
  async show(view) {
    if (!view) return;
    const asked = ++this.#asked;
    const handles = [view.encoder.vectors, view.decoder.vectors, view.twin.encoder, view.twin.decoder];
    const [encoder, decoder, read, written] = await Promise.all(handles.map(load));
    if (asked !== this.#asked) return;
    this.#stop();
    this.#view = view;
    [this.#rows, this.#columns, this.#told] = [[], [], []];
    find(this.root, ".ar").dataset.state = "full";
    this.#token = { encoder: Math.min(1, view.encoder.tokens.length - 1), decoder: 0 };
    this.#stack("encoder", encoder, "Encoder: reads the English");
    this.#stack("decoder", decoder, "Decoder: writes the French");
    this.#twin(view, read, written);
    this.#level = levels(view).length - 1;
    this.#light();
    this.#tell();
  }

  /** @param {Side} side @param {NumericArray} vectors @param {string} title */
  #stack(side, vectors, title) {
    const view = /** @type {PictureView} */ (this.#view);
    const { tokens, largest } = view[side];
    const layers = largest.length - 1;
    const first = side === "encoder" ? 0 : view.encoder.largest.length;
    const rows = [this.#strip(side, vectors, 0, "embedding + position", first)];
    for (let layer = 0; layer < layers; layer++)
      rows.push(
        this.#block(side, layer, first + layer + 1),
        this.#strip(side, vectors, layer + 1, `after layer ${layer + 1}`, first + layer + 1),
      );
    if (side === "decoder") rows.push(this.#answer(first + layers));
    const names = this.#names(tokens, side);
    find(this.root, `.ar-${side}`).replaceChildren(element("h3", {}, title), ...rows.reverse(), names);
  }

  /** @param {Side} side @param {NumericArray} vectors @param {number} layer @param {string} name @param {number} level */
  #strip(side, vectors, layer, name, level) {
    const view = /** @type {PictureView} */ (this.#view);
    const { tokens, largest } = view[side];
    const columns = new VectorColumns({
      label: `${side}, ${name}: a column for each token, from −${largest[layer]} to ${largest[layer]}`,
      names: tokens,
      onPick: (token) => this.#choose(side, token),
    });
    columns.show(part(vectors, layer), 127);
    return this.#row(columns, side, element("div", { class: "ar-strip" }, columns.node, caption(name)), level);
  }

  /** @param {VectorColumns} columns @param {Side | null} side @param {HTMLElement} node @param {number} level */
  #row(columns, side, node, level) {
    this.#columns.push(columns);
    if (side) this.#told.push(() => columns.mark(this.#token[side]));
    this.#rows.push({ node, level });
    return node;
  }

  /** A layer's parts, the first of them at the bottom. @param {Side} side @param {number} layer @param {number} level */
  #block(side, layer, level) {
    const view = /** @type {PictureView} */ (this.#view);
    const node = element("div", { class: "ar-block" });
    this.#told.push(() => {
      const doors = doorsOf(view, side, layer, this.#token[side]);
      node.replaceChildren(
        ...doors.reverse().map(({ name, reads, role, page, values }) =>
          element(
            "button",
            {
              type: "button",
              class: `ar-part ar-${role}`,
              title: "opens the page that takes it apart",
              onclick: () => open(page, values),
            },
            element("b", {}, name),
            element("span", {}, reads),
          ),
        ),
      );
    });
    this.#rows.push({ node, level });
    return node;
  }

  /** What is written after the chosen token of the decoder. @param {number} level */
  #answer(level) {
    const view = /** @type {PictureView} */ (this.#view);
    const node = element("button", { type: "button", class: "ar-part ar-prediction" });
    node.addEventListener("click", () => {
      const last = view.decoder.largest.length - 1;
      open("attention/layers", { text: view.text, model: view.model, cell: `${last}.${this.#token.decoder}` });
    });
    this.#told.push(() => {
      const [word, share] = view.answers[this.#token.decoder];
      node.replaceChildren(
        element("b", {}, "norm, table of words, softmax"),
        element(
          "span",
          {},
          `after ${quoted(view.decoder.tokens[this.#token.decoder])}: ${quoted(word)} ${(100 * share).toFixed(0)} %`,
        ),
      );
    });
    this.#rows.push({ node, level });
    return node;
  }

  /** @param {string[]} tokens @param {Side} side */
  #names(tokens, side) {
    const names = tokens.map((token, index) =>
      element(
        "button",
        { type: "button", class: "gb-bare ar-token", onclick: () => this.#choose(side, index) },
        token.trim() || "␣",
      ),
    );
    this.#told.push(() => {
      for (const [index, name] of names.entries())
        name.setAttribute("aria-pressed", String(index === this.#token[side]));
    });
    return element("div", { class: "ar-tokens", role: "group", "aria-label": `tokens of the ${side}` }, ...names);
  }

  /** @param {PictureView} view @param {NumericArray} read @param {NumericArray} written */
  #twin({ text, twin }, read, written) {
    const types = () => open("sequences/types", { type: "many to many", sentence: text });
    const states = (/** @type {NumericArray} */ values, /** @type {string[]} */ names, /** @type {string} */ what) => {
      const columns = new VectorColumns({
        label: `${what}: the state after each token, from −1 to 1`,
        names,
        onPick: types,
      });
      columns.show(values, 127);
      return this.#row(
        columns,
        null,
        element(
          "div",
          { class: "ar-strip" },
          columns.node,
          caption(`${what}, one token after the other: ${names.map((name) => name.trim()).join(" ")}`),
        ),
        0,
      );
    };
    const [count, units] = read.shape;
    const whole = count * /** @type {PictureView} */ (this.#view).encoder.width;
    const bottleneck = element(
      "button",
      { type: "button", class: "ar-part ar-memory", onclick: types },
      element("b", {}, "the last state, nothing else"),
      element(
        "span",
        {},
        `${units} numbers for ${count} tokens, however long; the other decoder may read all ${whole.toLocaleString("en")} of its encoder's`,
      ),
    );
    const cell = element(
      "button",
      {
        type: "button",
        class: "ar-part ar-query",
        title: "opens the page that goes through a cell, gate by gate",
        onclick: () => open("sequences/next", { text, model: "char-gru" }),
      },
      element("b", {}, "one cell, again at every step"),
      element("span", {}, "what it keeps, what it takes in: a GRU that reads letters, gate by gate"),
    );
    find(this.root, ".ar-twin").replaceChildren(
      element("h3", {}, "Recurrent twin (GRU): one state"),
      states(written, twin.written, "writes"),
      bottleneck,
      states(read, twin.read, "reads"),
      cell,
    );
  }

  /** @param {Side} side @param {number} token */
  #choose(side, token) {
    this.#token[side] = token;
    this.#tell();
  }

  #tell() {
    for (const tell of this.#told) tell();
  }

  #light() {
    const view = /** @type {PictureView} */ (this.#view);
    const all = levels(view);
    for (const { node, level } of this.#rows) node.classList.toggle("waiting", level > this.#level);
    const share = (this.#level + 1) / all.length;
    for (const columns of this.#columns.slice(-2)) columns.reveal(share);
    find(this.root, ".ar-said").textContent = all[this.#level];
    find(this.root, ".ar-back").disabled = this.#level === 0;
    find(this.root, ".ar-next").disabled = this.#level === all.length - 1;
  }

  #play() {
    if (!this.#view) return;
    this.#level = -1;
    this.#go(1);
    this.#playing = window.setInterval(() => this.#go(1), MILLISECONDS_A_LEVEL);
    find(this.root, ".ar-play").textContent = "Stop";
  }

  #stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
    find(this.root, ".ar-play").textContent = "Play";
  }

  /** @param {number} by */
  #go(by) {
    if (!this.#view) return;
    const last = levels(this.#view).length - 1;
    this.#level = Math.max(0, Math.min(last, this.#level + by));
    if (this.#playing && this.#level === last) this.#stop();
    this.#light();
  }
}

/** @param {string} text */
const caption = (text) => element("span", { class: "ar-caption" }, text);
