// A picture cut into patches, the answer of a Vision Transformer, and its answer after every layer.

import { load } from "../core/arrays.js";
import { element, find } from "../core/dom.js";
import { follow, share } from "../core/shared.js";
import { PictureTokens, patchName } from "../pieces/picture_tokens.js";

/** @typedef {import("../types.js").AnswersView} AnswersView */
/** @typedef {import("../types.js").Answer} Answer */
/** @typedef {import("../types.js").LensAnswer} LensAnswer */

export const template = `
<div class="patch-view" data-state="empty">
  <p class="gb-empty">Choose an example, upload a picture or take one with the webcam: its patches appear here.</p>
  <div class="pv-full">
    <div class="left">
      <h3>1. Split</h3>
      <div class="picture"></div>
      <p class="gb-caption pv-where" aria-live="polite"></p>
    </div>
    <div class="right">
      <div class="answers">
        <section class="own"><h3 class="own-title"></h3><div class="bars"></div></section>
        <section class="other"><h3 class="other-title"></h3><div class="bars"></div></section>
      </div>
      <h3>What it would answer after each layer</h3>
      <div class="lens-rows"></div>
      <p class="gb-caption lens-how"></p>
    </div>
  </div>
</div>`;

/** @param {string[]} names @param {number} probability */
const bar = (names, probability) =>
  element(
    "div",
    { class: "gb-bar-row row" },
    ...names.map((name) => element("span", { class: "gb-bar-name", title: name }, name)),
    element(
      "span",
      { class: "gb-track" },
      element("span", { class: "gb-fill", style: { width: `${probability * 100}%` } }),
    ),
    element("span", { class: "gb-number" }, `${(probability * 100).toPrecision(3)} %`),
  );

const PROBED =
  "A linear layer was fitted for each layer, on the photos of the training (a probe): it says what is known there. On the right, what the last head makes of that layer (logit lens): it was trained on the last one only, and misreads the others.";
const UNPROBED = "The same head reads every layer, though it was trained on the last one only (logit lens).";

/** @param {LensAnswer} answer of the last head */
const misread = ({ label, probability }) => `${label} ${(probability * 100).toPrecision(2)} %`;

/** @param {Answer[]} answers */
const bars = (answers) => answers.map(({ label, probability }) => bar([label], probability));

export default class PatchView {
  /** @type {AnswersView | null} */ #shown = null;
  /** @type {Float32Array} where the head that looks at the thing looks */ #look = new Float32Array();
  #token = 0; // the chosen one: 0 is CLS, patch n is n + 1

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
    this.tokens = new PictureTokens(find(root, ".picture"), {
      onHover: (hovered) => this.#caption(hovered),
      onPick: (picked) => share("token", { run: this.#shown?.run, token: picked }),
    });
    follow("token", root, (chosen) => {
      if (chosen.run !== this.#shown?.run) return;
      this.#choose(chosen.token);
    });
  }

  /** @param {AnswersView | null} value */
  async show(value) {
    const view = find(this.root, ".patch-view");
    view.dataset.state = value ? "full" : "empty";
    if (!value) return;
    if (value.picture.columns !== this.#shown?.picture.columns) this.#token = 0;
    this.#shown = value;
    const [look] = await Promise.all([load(value.look), this.tokens.show(value.picture)]);
    if (value !== this.#shown) return;
    this.#look = /** @type {Float32Array} */ (look.data);
    view.dataset.run = value.run;
    this.#drawAnswers(value);
    this.#choose(this.#token);
  }

  /** @param {number} token */
  #choose(token) {
    this.#token = token;
    this.tokens.shade(token ? null : (seen) => (seen ? this.#look[seen - 1] : 0), token);
    this.#caption(null);
  }

  /** @param {number | null} hovered */
  #caption(hovered) {
    if (!this.#shown) return;
    const { picture, side } = this.#shown;
    const { rows, columns } = picture;
    const about = hovered || this.#token;
    const which = about
      ? `${hovered ? "Under the pointer" : "Chosen"}: the patch in ${patchName(about, columns)}, token ${about} of ${rows * columns}.`
      : "Chosen: CLS, an extra token without pixels that gathers for the answer; shaded is where the head named above looks from it. Click a patch to follow it.";
    find(this.root, ".pv-where").textContent = `${rows} x ${columns} patches of ${side} x ${side} pixels. ${which}`;
  }

  /** @param {AnswersView} value */
  #drawAnswers({ top, before, title, lens, probed }) {
    const { root } = this;
    find(root, ".right").hidden = !top.length;
    find(root, ".answers").classList.toggle("compared", before.length > 0);
    find(root, ".own-title").textContent = before.length ? "This run" : "The answer";
    find(root, ".own .bars").replaceChildren(...bars(top));
    find(root, ".other").hidden = !before.length;
    find(root, ".other-title").textContent = title;
    find(root, ".other .bars").replaceChildren(...bars(before));
    const layers = (probed.length ? probed : lens).map(({ label, probability }, layer) => {
      const row = bar([layer ? `${layer}` : "input", label], probability);
      if (probed.length) row.append(element("span", { class: "pv-raw" }, misread(lens[layer])));
      return row;
    });
    find(root, ".lens-rows").replaceChildren(...layers);
    find(root, ".lens-rows").classList.toggle("probed", probed.length > 0);
    find(root, ".lens-how").textContent = probed.length ? PROBED : UNPROBED;
  }
}
