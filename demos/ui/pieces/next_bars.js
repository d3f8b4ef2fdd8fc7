// The likeliest next characters as bars, each a button. Their nodes stay, as a keystroke changes all of them.

import { element, say } from "../core/dom.js";
import { percent } from "../core/format.js";
import { nameOf } from "./characters.js";

/** @typedef {{ character: string, probability: number, taken: boolean }} Next */

export class NextBars {
  /** @type {{ node: HTMLButtonElement, name: HTMLElement, fill: HTMLElement, number: HTMLElement }[]} */ #bars = [];
  /** @type {Next[]} */ #shown = [];

  /** @param {HTMLElement} root @param {(character: string) => void} onPick */
  constructor(root, onPick) {
    this.root = root;
    this.onPick = onPick;
  }

  /** @param {Next[]} shown the likeliest first */
  show(shown) {
    this.#shown = shown;
    for (const bar of this.#bars.splice(shown.length)) bar.node.remove();
    while (this.#bars.length < shown.length) this.#add(this.#bars.length);
    shown.forEach(({ character, probability, taken }, index) => {
      const { node, name, fill, number } = this.#bars[index];
      node.classList.toggle("taken", taken);
      say(name, nameOf(character));
      fill.style.width = `${(100 * probability) / shown[0].probability}%`;
      say(number, share(probability));
    });
  }

  /** @param {number} index */
  #add(index) {
    const [name, fill] = [element("span", { class: "name" }), element("span", { class: "gb-fill" })];
    const number = element("span", { class: "gb-number" });
    const onclick = () => this.onPick(this.#shown[index].character);
    const title = "continue the text with this character";
    const track = element("span", { class: "gb-track" }, fill);
    const node = element("button", { type: "button", class: "gb-bare", title, onclick }, name, track, number);
    this.#bars.push({ node, name, fill, number });
    this.root.append(node);
  }
}

/** A probability with one decimal, tiny ones with their first digit. @param {number} probability */
function share(probability) {
  const value = 100 * probability;
  return value >= 0.1 ? `${value.toFixed(1)} %` : percent(probability);
}
