// The final softmax: logits of the likeliest tokens, temperature, top-k and top-p, and one of them drawn or taken.
//
// Tells `take` { word }: write it and go on.

import { element, find } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { chances, drawn } from "../pieces/softmax.js";

/** @typedef {import("../types.js").NextTokensView} NextTokensView */

const BARS = 20;

export const template = `
<div class="nt" data-state="empty">
  <p class="gb-empty">Run a network that predicts tokens: its final softmax is here.</p>
  <div class="nt-body">
    <div class="nt-title"></div>
    <div class="nt-controls">
      <label>temperature <output class="nt-t"></output><input class="nt-temperature" type="range" min="0.1" max="3" step="0.05" value="1"></label>
      <label>top-k <output class="nt-k"></output><input class="nt-topk" type="range" min="1" max="50" step="1" value="50"></label>
      <label>top-p <output class="nt-p"></output><input class="nt-topp" type="range" min="0.05" max="1" step="0.01" value="1"></label>
      <button type="button" class="nt-draw">Draw one</button>
    </div>
    <div class="nt-bars"></div>
    <p class="gb-caption nt-note"></p>
  </div>
</div>`;

export default class NextToken {
  /** @type {NextTokensView | null} */ #shown = null;
  /** @type {number | null} */ #drawn = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.root = root;
    this.emit = emit;
    this.temperature = /** @type {HTMLInputElement} */ (find(root, ".nt-temperature"));
    this.topK = /** @type {HTMLInputElement} */ (find(root, ".nt-topk"));
    this.topP = /** @type {HTMLInputElement} */ (find(root, ".nt-topp"));
    for (const one of [this.temperature, this.topK, this.topP]) one.addEventListener("input", () => this.#draw());
    find(root, ".nt-draw").addEventListener("click", () => this.#drawOne());
  }

  /** @param {NextTokensView | null} value */
  show(value) {
    find(this.root, ".nt").dataset.state = value ? "full" : "empty";
    [this.#shown, this.#drawn] = [value, null];
    if (!value) return;
    find(this.root, ".nt-title").textContent = value.after;
    this.#draw();
  }

  #settings() {
    const whole = this.topK.value === this.topK.max;
    const [temperature, p] = [Number(this.temperature.value), Number(this.topP.value)];
    return { temperature, k: whole ? Number.POSITIVE_INFINITY : Number(this.topK.value), p };
  }

  /** @param {NextTokensView} shown */
  #chances({ logits, partitions }) {
    const { min, step, value } = this.temperature;
    const partition = partitions[Math.round((Number(value) - Number(min)) / Number(step))];
    return chances(logits, partition, this.#settings());
  }

  #draw() {
    const shown = this.#shown;
    if (!shown) return;
    const { temperature, k, p } = this.#settings();
    find(this.root, ".nt-t").textContent = temperature.toFixed(2);
    find(this.root, ".nt-k").textContent = Number.isFinite(k) ? String(k) : "off";
    find(this.root, ".nt-p").textContent = p >= 1 ? "off" : p.toFixed(2);
    const all = this.#chances(shown);
    const rows = shown.words.slice(0, BARS).map((_, place) => this.#row(shown, place, all[place]));
    find(this.root, ".nt-bars").replaceChildren(...rows);
    const about = `Token, logit less the highest, probability among all tokens; drawn is among the ${shown.words.length} likeliest.`;
    find(this.root, ".nt-note").textContent = shown.writable ? `${about} Click a token to write it and go on.` : about;
  }

  /** @param {NextTokensView} shown @param {number} place @param {import("../pieces/softmax.js").Chance} chance */
  #row({ words, logits, writable }, place, { share, kept }) {
    const word = words[place];
    return element(
      "button",
      {
        type: "button",
        class: `nt-row${kept ? "" : " out"}`,
        disabled: !writable,
        "aria-pressed": place === this.#drawn,
        title: writable ? `write “${word}” and go on` : "",
        onclick: () => this.#take(place),
      },
      element("span", { class: "nt-word" }, word.trim() || "␣"),
      element("span", { class: "nt-logit" }, fixed(logits[place], 2)),
      element("span", { class: "nt-bar", style: { width: `${100 * share}%` } }),
      element("span", { class: "nt-share" }, share.toFixed(3)),
    );
  }

  /** @param {number} place */
  #take(place) {
    this.#drawn = place;
    this.#draw();
    this.emit.take({ word: this.#shown?.words[place] });
  }

  #drawOne() {
    if (!this.#shown) return;
    const place = drawn(this.#chances(this.#shown), Math.random());
    if (this.#shown.writable) return this.#take(place);
    this.#drawn = place;
    this.#draw();
  }
}
