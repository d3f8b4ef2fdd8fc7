// A picture and its caption, word by word: the cells that a word read, what else might stand there, sentences of a search.
//
// Event: `force` (words, word), the words before a place and the one to put there.

import { address, load, part } from "../core/arrays.js";
import { chip, element, find } from "../core/dom.js";
import { fixed, percent, quoted } from "../core/format.js";
import { meanOf, strongest } from "../pieces/caption_reading.js";
import { PictureTokens, patchName } from "../pieces/picture_tokens.js";

/** @typedef {import("../types.js").CaptionView} CaptionView */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

const [MILLISECONDS_A_WORD, SLOWLY] = [60, 900];
const END = "(end)";

export const template = `
<div class="cw gb-panel" data-state="empty">
  <p class="gb-empty">Choose a photo or a scene and press Describe it.</p>
  <div class="cw-body">
    <p class="cw-warning" role="status" hidden></p>
    <div class="cw-sentence" role="group" aria-label="The caption, word by word"></div>
    <div class="cw-columns">
      <div class="cw-left">
        <div class="cw-cells"></div>
        <img class="cw-plain" alt="The picture as the network sees it" hidden>
        <div class="cw-heads" role="group" aria-label="Which heads are shown"></div>
        <p class="gb-caption cw-readout" aria-live="polite"></p>
      </div>
      <div class="cw-right">
        <h3 class="cw-title"></h3>
        <div class="cw-likely"></div>
        <p class="gb-caption cw-hint"></p>
        <div class="cw-found"><h3>Sentences that the search found</h3><ol></ol></div>
      </div>
    </div>
    <button type="button" class="cw-play">Watch it being written</button>
  </div>
</div>`;

export default class CaptionWords {
  /** @type {CaptionView | null} */ #view = null;
  /** @type {NumericArray | null} */ #read = null;
  /** @type {HTMLButtonElement[]} */ #buttons = [];
  #word = 0;
  #cell = 0; // the chosen one, from 1; 0 is none
  #layer = -1; // all
  #timer = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.root = root;
    this.emit = emit;
    this.cells = new PictureTokens(find(root, ".cw-cells"), {
      onHover: () => undefined,
      onPick: (cell) => this.#pickCell(cell),
      cls: false,
    });
    find(root, ".cw-play").addEventListener("click", () => this.#write(SLOWLY));
  }

  /** @param {CaptionView | null} view */
  async show(view) {
    const box = find(this.root, ".cw");
    box.dataset.state = view ? "full" : "empty";
    window.clearTimeout(this.#timer);
    if (!view) return;
    this.#view = view;
    const read = view.read && (await load(view.read));
    if (view !== this.#view) return;
    [this.#read, this.#cell, this.#layer] = [read, 0, -1];
    box.dataset.model = view.model;
    await this.#drawPicture(view);
    if (view !== this.#view) return;
    const warning = find(this.root, ".cw-warning");
    [warning.hidden, warning.textContent] = [!view.warning, view.warning];
    this.#buttons = view.words.map((word, index) => this.#button(word, index));
    find(this.root, ".cw-sentence").replaceChildren(...this.#buttons);
    this.#drawHeads();
    this.#drawFound(view);
    this.#write(matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : MILLISECONDS_A_WORD);
  }

  /** @param {CaptionView} view */
  async #drawPicture({ picture, read }) {
    const plain = find(this.root, ".cw-plain");
    find(this.root, ".cw-cells").hidden = !read;
    plain.hidden = read !== null;
    if (read) await this.cells.show(picture);
    else plain.src = address(picture.image);
  }

  /** @param {import("../types.js").CaptionWord} word @param {number} index */
  #button({ word, chosen, probability }, index) {
    const title = `${quoted(word)}: ${percent(probability)}${chosen ? ", chosen by you" : ""}`;
    const kind = word === END ? "cw-word cw-end" : "cw-word";
    const onclick = () => this.#stopAt(index);
    return element("button", { type: "button", class: kind, title, onclick, data: { chosen } }, word);
  }

  /** The words come one after the other, each with its cells. @param {number} pause in ms, 0 for all at once */
  #write(pause) {
    window.clearTimeout(this.#timer);
    const count = this.#buttons.length;
    const next = (/** @type {number} */ index) => {
      this.#buttons.forEach((button, place) => {
        button.classList.toggle("later", place > index);
      });
      this.#choose(index);
      find(this.root, ".cw").dataset.written = String(index + 1);
      if (index + 1 < count) this.#timer = window.setTimeout(() => next(index + 1), pause);
      else if (pause !== SLOWLY) this.#choose(this.#telling());
    };
    next(pause ? 0 : count - 1);
  }

  /** The word whose look is the surest. */
  #telling() {
    const read = this.#read;
    if (!read) return 0;
    const peaks = this.#buttons.map((_, word) => strongest(meanOf(part(read, word), this.#layer)).share);
    peaks[peaks.length - 1] = 0; // the end mark says nothing
    return peaks.indexOf(Math.max(...peaks));
  }

  /** @param {number} index */
  #stopAt(index) {
    window.clearTimeout(this.#timer);
    for (const button of this.#buttons) button.classList.remove("later");
    find(this.root, ".cw").dataset.written = String(this.#buttons.length);
    this.#cell = 0;
    this.#choose(index);
  }

  /** @param {number} index */
  #choose(index) {
    this.#word = index;
    this.#buttons.forEach((button, place) => {
      button.setAttribute("aria-pressed", String(place === index));
    });
    this.#paint();
    this.#drawLikely();
  }

  /** @param {number} cell */
  #pickCell(cell) {
    this.#cell = cell === this.#cell ? 0 : cell;
    this.#paint();
  }

  /** How much every cell was read for a word. @param {number} word */
  #shares(word) {
    return meanOf(part(/** @type {NumericArray} */ (this.#read), word), this.#layer);
  }

  #paint() {
    const view = /** @type {CaptionView} */ (this.#view);
    const readout = find(this.root, ".cw-readout");
    if (!this.#read) {
      readout.textContent =
        "This network looks once: the picture becomes one vector, and no word can look back. Nothing is to be shown.";
      return;
    }
    const shares = this.#shares(this.#word);
    this.cells.shade((cell) => shares[cell - 1], this.#cell);
    const taken = this.#cell ? this.#buttons.map((_, word) => this.#shares(word)[this.#cell - 1]) : null;
    const most = taken ? Math.max(...taken) : 1;
    this.#buttons.forEach((button, word) => {
      button.style.setProperty("--cw-share", taken ? `${(45 * taken[word]) / most}%` : "0%");
    });
    const { cell, share } = strongest(shares);
    const even = percent(1 / shares.length);
    const columns = view.picture.columns;
    readout.textContent = taken
      ? `The cell in ${patchName(this.#cell, columns)} was read most for ${quoted(view.words[taken.indexOf(most)].word)} (${percent(most)}).`
      : `To write ${quoted(view.words[this.#word].word)} it read most of the cell in ${patchName(cell + 1, columns)}: ${percent(share)}, where an even look would give ${even}. Click a cell to see which words read it.`;
  }

  #drawLikely() {
    const view = /** @type {CaptionView} */ (this.#view);
    const { word, likely, chosen, probability } = view.words[this.#word];
    const before = view.words.slice(0, this.#word).map((one) => one.word);
    find(this.root, ".cw-title").textContent = before.length
      ? `After ${quoted(before.join(" "))}`
      : "As the first word";
    const shown = likely.some((one) => one.word === word) ? likely : [...likely, { word, probability }];
    const bars = shown.map((one) => this.#bar(one, before, one.word === word));
    find(this.root, ".cw-likely").replaceChildren(...bars);
    const can = this.#read ? "Click another word: it goes on from there." : "Here no other word can be chosen.";
    find(this.root, ".cw-hint").textContent = chosen ? `${quoted(word)} was your choice. ${can}` : can;
  }

  /** @param {import("../types.js").LikelyWord} likely @param {string[]} before @param {boolean} taken */
  #bar({ word, probability }, before, taken) {
    const fill = element("span", { class: "gb-fill", style: { width: `${100 * probability}%` } });
    return element(
      "button",
      {
        type: "button",
        class: taken ? "gb-bare gb-bar-row taken" : "gb-bare gb-bar-row",
        disabled: !this.#read || word === END,
        onclick: () => this.emit.force({ words: before, word }),
      },
      element("span", { class: "gb-bar-name" }, word),
      element("span", { class: "gb-track" }, fill),
      element("span", { class: "gb-number" }, percent(probability)),
    );
  }

  #drawHeads() {
    const row = find(this.root, ".cw-heads");
    const layers = this.#read?.shape[1] ?? 0;
    const choices = Array.from({ length: layers + 1 }, (_, index) => index - 1);
    const name = (/** @type {number} */ layer) => (layer < 0 ? "all heads" : `layer ${layer + 1}`);
    row.replaceChildren(
      ...(layers ? choices : []).map((layer) =>
        chip(name(layer), layer === this.#layer, () => {
          this.#layer = layer;
          this.#drawHeads();
          this.#paint();
        }),
      ),
    );
  }

  /** @param {CaptionView} view */
  #drawFound({ found }) {
    const box = find(this.root, ".cw-found");
    box.hidden = !found.length;
    const lines = found.map(({ sentence, log_probability }) =>
      element("li", {}, sentence, element("span", { class: "gb-number" }, ` log p ${fixed(log_probability, 1)}`)),
    );
    find(box, "ol").replaceChildren(...lines);
  }
}
