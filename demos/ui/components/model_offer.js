// A model that may be fetched from the hub: one button with its size and licence, then progress and a way to stop.
//
// Tells `arrived` { name } when the model is there that this visitor has asked for, or that was there before the page was
// looked at: the value is as old as the server.

import { element, find } from "../core/dom.js";
import { ask } from "../core/server.js";
import { share } from "../core/shared.js";
import { said } from "../core/words.js";
import { LARGE_MEGABYTES, size } from "../pieces/offer_words.js";

/** @typedef {import("../types.js").OfferView} OfferView */

const EVERY_MILLISECONDS = 1000;

export const template = `
<div class="mo gb-panel" hidden>
  <p class="mo-about"></p>
  <p class="mo-state" role="status"></p>
  <progress class="mo-progress" max="1" value="0" aria-label="Downloaded"></progress>
  <div class="mo-buttons">
    <button type="button" class="mo-fetch gb-primary">Fetch it</button>
    <button type="button" class="mo-sure gb-primary">Yes, fetch it</button>
    <button type="button" class="mo-use gb-primary">Use it</button>
    <button type="button" class="mo-stop">Stop</button>
  </div>
</div>`;

export default class ModelOffer {
  /** @type {OfferView | null} */ #offer = null;
  #asked = false;
  #timer = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit, server }) {
    this.root = root;
    this.emit = emit;
    this.server = server;
    find(root, ".mo-fetch").addEventListener("click", () => this.#fetch());
    find(root, ".mo-sure").addEventListener("click", () => this.#ask("fetch_model"));
    find(root, ".mo-stop").addEventListener("click", () => this.#stop());
    find(root, ".mo-use").addEventListener("click", () => this.#use());
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      seen.disconnect();
      this.#ask("follow_model", { first: true });
    });
    seen.observe(root);
  }

  /** @param {OfferView | null} value */
  show(value) {
    if (this.#asked && value?.name !== this.#offer?.name) this.#asked = false;
    this.#draw(value);
  }

  #fetch() {
    if (!this.#offer) return;
    const { megabytes } = this.#offer;
    if (megabytes && megabytes < LARGE_MEGABYTES) this.#ask("fetch_model");
    else this.#state("sure", megabytes ? said("It is %s.", size(megabytes)) : said("It is several GB."));
  }

  #stop() {
    this.#asked = false;
    return this.#ask("stop_model");
  }

  /** @param {"fetch_model" | "follow_model" | "stop_model"} what @param {{ first?: boolean }} [how] */
  async #ask(what, { first = false } = {}) {
    const name = this.#offer?.name;
    if (!name) return;
    if (what === "fetch_model") this.#asked = true;
    try {
      /** @type {OfferView} */ const offer = await ask(this.server[what], { name });
      if (this.#offer?.name !== name) return;
      if (first && offer.status === "ready") this.#use();
      else this.#draw({ ...offer, chosen: this.#offer.chosen });
    } catch (error) {
      this.#state("failed", error instanceof Error ? error.message : String(error));
    }
  }

  #use() {
    const name = this.#offer?.name;
    if (!name) return;
    this.#asked = false;
    this.#draw(null);
    this.emit.arrived({ name });
    share("arrived", name);
  }

  /** @param {OfferView | null} offer */
  #draw(offer) {
    this.#offer = offer;
    clearTimeout(this.#timer);
    const panel = find(this.root, ".mo");
    panel.hidden = !offer;
    if (!offer) return;
    if (offer.status === "ready" && (this.#asked || offer.chosen)) return this.#use();
    const facts = [offer.does, offer.megabytes ? size(offer.megabytes) : "", offer.licence].filter(Boolean).join(", ");
    find(this.root, ".mo-about").replaceChildren(element("b", {}, offer.title), `: ${facts}`);
    find(this.root, ".mo-progress").value = offer.share;
    this.#state(offer.status, offer.sentence);
    if (offer.status === "running") this.#timer = setTimeout(() => this.#ask("follow_model"), EVERY_MILLISECONDS);
  }

  /** @param {string} state @param {string} sentence */
  #state(state, sentence) {
    find(this.root, ".mo").dataset.status = state;
    find(this.root, ".mo-state").textContent = sentence;
  }
}
