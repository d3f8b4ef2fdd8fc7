// Runs side by side: a table of sprites, every moment of all of them under one scrubber.

import { element, find } from "../core/dom.js";
import { clamp } from "../core/keys.js";
import { Sheets, tile } from "../pieces/sheets.js";

/** @typedef {import("../types.js").GridView} GridView */

const FRAME_MILLISECONDS = 160;

export const template = `
<div class="gb-panel sprite-grid" data-state="empty">
  <p class="gb-empty"></p>
  <div class="full">
    <p class="gb-said" hidden></p>
    <div class="sg-frame" tabindex="0" role="region" aria-label="The grid"></div>
    <div class="sg-controls">
      <button class="sg-back" type="button" aria-label="one step back">◀</button>
      <button class="sg-play" type="button">Play</button>
      <button class="sg-forward" type="button" aria-label="one step forward">▶</button>
      <input class="sg-jump" type="range" min="1" step="1" aria-label="step">
      <output class="sg-where"></output>
    </div>
  </div>
</div>`;

export default class SpriteGrid {
  sheets = new Sheets();
  /** @type {GridView | null} */ #view = null;
  #current = 0;
  #follow = true; // show the newest moment while they arrive
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, look }) {
    this.root = root;
    this.look = look;
    find(root, ".gb-empty").textContent = props.empty;
    find(root, ".sg-play").addEventListener("click", () => this.#play());
    find(root, ".sg-back").addEventListener("click", () => this.#go(this.#current - 1));
    find(root, ".sg-forward").addEventListener("click", () => this.#go(this.#current + 1));
    const jump = find(root, ".sg-jump");
    jump.addEventListener("input", () => this.#go(Number(jump.value) - 1));
  }

  /** @param {GridView | null} value */
  async show(value) {
    find(this.root, ".sprite-grid").dataset.state = value ? "full" : "empty";
    if (!value) return;
    if (!this.#view || value.sheets[0] !== this.#view.sheets[0]) this.#begin(value);
    await this.sheets.load(value.sheets);
    this.#view = value;
    find(this.root, ".sg-jump").max = String(value.sheets.length);
    find(this.root, ".gb-said").hidden = !value.finding;
    find(this.root, ".gb-said").textContent = value.finding;
    if (this.#follow) this.#current = value.sheets.length - 1;
    if (value.sheets.length === value.total) this.#goWhereTheLinkSays();
    this.#draw();
  }

  /** @param {GridView} value */
  #begin(value) {
    this.#stop();
    this.#follow = true;
    this.sheets.forget();
    find(this.root, ".sg-frame").replaceChildren(tableOf(value));
  }

  #goWhereTheLinkSays() {
    const step = Number(this.look.take("step"));
    if (Number.isInteger(step) && step >= 1) this.#go(step - 1);
  }

  #draw() {
    const view = this.#view;
    if (!view) return;
    this.#current = clamp(this.#current, 0, view.sheets.length - 1);
    const url = this.sheets.known(view.sheets[this.#current]) ?? "";
    const cells = [...this.root.querySelectorAll(".sg-cell")];
    cells.forEach((cell, number) => {
      const said = cellWords(view, number, this.#current);
      const made = tile(url, number, cells.length);
      made.setAttribute("role", "img");
      made.setAttribute("aria-label", said);
      made.title = said;
      cell.replaceChildren(made);
    });
    find(this.root, ".sg-jump").value = String(this.#current + 1);
    find(this.root, ".sg-where").textContent = `${this.#current + 1} of ${view.total}`;
  }

  /** @param {number} place */
  #go(place) {
    this.#stop();
    this.#jump(place);
  }

  /** @param {number} place */
  #jump(place) {
    const view = this.#view;
    if (!view) return;
    this.#current = clamp(place, 0, view.sheets.length - 1);
    this.#follow = this.#current === view.sheets.length - 1 && view.sheets.length < view.total;
    this.look.set("step", this.#current + 1);
    this.#draw();
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    find(this.root, ".sg-play").textContent = "Play";
  }

  #play() {
    if (this.#timer) return this.#stop();
    const newest = () => (this.#view?.sheets.length ?? 1) - 1;
    if (this.#current >= newest()) this.#jump(0);
    find(this.root, ".sg-play").textContent = "Pause";
    this.#timer = setInterval(() => {
      if (this.#current < newest()) this.#jump(this.#current + 1);
      else this.#stop();
    }, FRAME_MILLISECONDS);
  }
}

/** @param {GridView} view */
function tableOf({ row_axis, column_axis, rows, columns }) {
  const corner = element("th", { scope: "col" }, `${row_axis} ↓  ${column_axis} →`);
  const heads = columns.map((name) => element("th", { scope: "col" }, name));
  const lines = rows.map((name) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...columns.map(() => element("td", { class: "sg-cell" }))),
  );
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, corner, ...heads)),
    element("tbody", {}, ...lines),
  );
}

/** What a cell shows at a moment. @param {GridView} view @param {number} number of the cell @param {number} moment */
export function cellWords({ rows, columns, row_axis, column_axis, steps, times }, number, moment) {
  const [row, column] = [Math.floor(number / columns.length), number % columns.length];
  return `${row_axis} ${rows[row]}, ${column_axis} ${columns[column]}: ${steps[number]} steps, predicted at t = ${times[moment][number]}`;
}
