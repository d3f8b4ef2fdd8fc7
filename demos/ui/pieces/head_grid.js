// Small maps of all layers and heads, one button each. Columns after the heads are summaries of the layer, such as their
// mean: head = heads, heads + 1 and so on.

import { element } from "../core/dom.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

/**
 * @typedef {object} Grid
 * @property {number} layers
 * @property {number} heads
 * @property {string[]} summaries
 * @property {(canvas: HTMLCanvasElement, layer: number, head: number) => void} paint
 */

export class HeadGrid {
  /** @type {{ layer: number, head: number, button: HTMLButtonElement, canvas: HTMLCanvasElement }[]} */ #cells = [];
  /** @type {Grid | null} */ #grid = null;

  /** @param {HTMLElement} root @param {{ onPick: (layer: number, head: number) => void }} options */
  constructor(root, { onPick }) {
    root.classList.add("hg-grid");
    this.root = root;
    this.onPick = onPick;
  }

  /** @param {Grid} grid */
  show(grid) {
    this.#grid = grid;
    this.#cells = [];
    const names = [...Array.from({ length: grid.heads }, (_, head) => String(head + 1)), ...grid.summaries];
    const rows = Array.from({ length: grid.layers }, (_, layer) => [
      label(String(layer + 1)),
      ...names.map((name, head) => this.#cell(layer, head, head < grid.heads ? `head ${name}` : name)),
    ]);
    this.root.style.gridTemplateColumns = `auto repeat(${names.length}, minmax(0, 1fr))`;
    this.root.replaceChildren(label(""), ...names.map(label), ...rows.flat());
    this.repaint();
  }

  /** The same grid once more, where `paint` has come to draw others. */
  repaint() {
    for (const { canvas, layer, head } of this.#cells) this.#grid?.paint(canvas, layer, head);
  }

  /** @param {number} layer @param {number} head */
  select(layer, head) {
    for (const cell of this.#cells)
      cell.button.setAttribute("aria-pressed", String(cell.layer === layer && cell.head === head));
  }

  /** @param {number} layer @param {number} head @param {string} name */
  #cell(layer, head, name) {
    const title = `layer ${layer + 1}, ${name}`;
    const canvas = element("canvas");
    const onclick = () => this.onPick(layer, head);
    const button = element("button", { type: "button", class: "hg-cell", title, "aria-label": title, onclick }, canvas);
    this.#cells.push({ layer, head, button, canvas });
    return button;
  }
}

/** @param {string} text */
const label = (text) => element("span", { class: "hg-label" }, text);
