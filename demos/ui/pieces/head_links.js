// The heads that look from one token to another most, and what becomes of the network without one of them.

import { chip, element } from "../core/dom.js";
import { quoted } from "../core/format.js";
import { ask } from "../core/server.js";

/** @typedef {import("./attention_maps.js").TextMaps} TextMaps */
/** @typedef {{ layer: number, head: number, row: number, column: number | null }} Look */

const HEADS = 8;

export class HeadLinks {
  #ran = { model: "", text: "" };
  /** @type {string} what was asked last */ #asked = "";

  /**
   * @param {HTMLElement} root
   * @param {{ onPick: (layer: number, head: number) => void, switchOff?: (request: any) => Promise<any> }} options
   */
  constructor(root, { onPick, switchOff }) {
    this.root = root;
    this.onPick = onPick;
    this.switchOff = switchOff;
    this.answer = element("p", { class: "gb-caption ax-without", "aria-live": "polite" });
  }

  /** What is shown now. @param {{ model: string, text: string }} ran */
  of({ model, text }) {
    this.#ran = { model, text };
  }

  /** @param {TextMaps} maps @param {Look} look */
  show(maps, look) {
    const { layer, head, row, column } = look;
    const { view } = maps;
    const asked = JSON.stringify([this.#ran, view.kind, layer, head, row]);
    if (asked !== this.#asked) this.answer.textContent = "";
    this.#asked = asked;
    const ranked = column === null ? [] : maps.ranked(row, column).slice(0, HEADS);
    const chips = ranked.map((one) =>
      chip(
        `${one.layer + 1}.${one.head + 1}: ${one.weight.toFixed(2)}`,
        one.layer === layer && one.head === head,
        () => this.onPick(one.layer, one.head),
        { title: `layer ${one.layer + 1}, head ${one.head + 1}` },
      ),
    );
    const title =
      column === null
        ? "Click a token that is looked at: the heads are ranked by this look."
        : `Heads that look from ${quoted(view.rows[row])} to ${quoted(view.columns[column])} most`;
    const off =
      this.switchOff && head < view.heads
        ? [chip(`Switch ${layer + 1}.${head + 1} off and see`, false, () => this.#without(view.kind, look))]
        : [];
    this.root.replaceChildren(
      element("div", { class: "ax-title" }, title),
      element("div", { class: "gb-chips ax-ranked", role: "group", "aria-label": title }, ...chips, ...off),
      this.answer,
    );
  }

  /** @param {string} kind @param {Look} look */
  async #without(kind, { layer, head, row }) {
    const asked = this.#asked;
    this.answer.textContent = "The network runs without this head …";
    try {
      const request = { ...this.#ran, kind, layer, head, query: row };
      const { sentence } = await ask(/** @type {any} */ (this.switchOff), request);
      if (asked === this.#asked) this.answer.textContent = sentence;
    } catch (error) {
      if (asked === this.#asked) this.answer.textContent = /** @type {Error} */ (error).message;
    }
  }
}
