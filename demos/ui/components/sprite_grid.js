// Runs side by side: a table of sprites, every moment of all of them under one scrubber.

import { element, find } from "../core/dom.js";
import { FilmControls, filmControls } from "../pieces/film_controls.js";
import { Sheets, tile } from "../pieces/sheets.js";

/** @typedef {import("../types.js").GridView} GridView */

export const template = `
<div class="gb-panel sprite-grid" data-state="empty">
  <p class="gb-empty"></p>
  <div class="full">
    <p class="gb-said" hidden></p>
    <div class="sg-frame" tabindex="0" role="region" aria-label="The grid"></div>
    ${filmControls}
  </div>
</div>`;

export default class SpriteGrid {
  sheets = new Sheets();
  /** @type {GridView | null} */ #view = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, look }) {
    this.root = root;
    this.look = look;
    find(root, ".gb-empty").textContent = props.empty;
    const film = () => {
      const length = this.#view?.sheets.length ?? 0;
      return { length, newest: length - 1, total: this.#view?.total ?? 0 };
    };
    this.controls = new FilmControls(find(root, ".gb-film-controls"), film, () => {
      this.look.set("step", this.controls.current + 1);
      this.#draw();
    });
  }

  /** @param {GridView | null} value */
  async show(value) {
    find(this.root, ".sprite-grid").dataset.state = value ? "full" : "empty";
    if (!value) return;
    if (!this.#view || value.sheets[0] !== this.#view.sheets[0]) this.#begin(value);
    await this.sheets.load(value.sheets);
    this.#view = value;
    find(this.root, ".gb-said").hidden = !value.finding;
    find(this.root, ".gb-said").textContent = value.finding;
    this.controls.place.arrived(value.sheets.length - 1);
    if (value.sheets.length === value.total) this.#goWhereTheLinkSays();
    this.#draw();
  }

  /** @param {GridView} value */
  #begin(value) {
    this.controls.begin();
    this.sheets.forget();
    find(this.root, ".sg-frame").replaceChildren(tableOf(value));
  }

  #goWhereTheLinkSays() {
    const step = Number(this.look.take("step"));
    if (Number.isInteger(step) && step >= 1) this.controls.go(step - 1);
  }

  #draw() {
    const view = this.#view;
    if (!view) return;
    const moment = Math.min(this.controls.current, view.sheets.length - 1);
    const url = this.sheets.known(view.sheets[moment]) ?? "";
    const cells = [...this.root.querySelectorAll(".sg-cell")];
    cells.forEach((cell, number) => {
      const said = cellWords(view, number, moment);
      const made = tile(url, number, cells.length);
      made.setAttribute("role", "img");
      made.setAttribute("aria-label", said);
      made.title = said;
      cell.replaceChildren(made);
    });
    this.controls.say(`${moment + 1} of ${view.total}`);
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
