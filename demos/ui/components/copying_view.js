// From copying to inventing: samples of networks that saw few and many sprites, above the nearest one that each saw.

import { element, find } from "../core/dom.js";
import { clamp, onCells } from "../core/keys.js";
import { Sheets, tile } from "../pieces/sheets.js";

/** @typedef {import("../types.js").CopyingView} Copying */
/** @typedef {import("../types.js").CopyingRowView} Row */

export const template = `
<div class="gb-panel copying-view" data-state="empty">
  <p class="gb-empty">What was computed beforehand appears here in a moment.</p>
  <div class="full">
    <p class="gb-said"></p>
    <div class="cv-body">
      <div class="cv-rows"></div>
      <figure class="cv-pair">
        <div class="cv-large"></div>
        <figcaption class="gb-caption" aria-live="polite"></figcaption>
      </figure>
    </div>
    <p class="gb-caption">Above: what a network draws. Below: the nearest sprite that it was trained on. A frame marks a copy.</p>
  </div>
</div>`;

export default class CopyingView {
  sheets = new Sheets();
  /** @type {Copying | null} */ #view = null;
  #at = [0, 0]; // network and sample that are shown large

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, look }) {
    this.root = find(root, ".copying-view");
    this.look = look;
    const rows = find(root, ".cv-rows");
    onCells(rows, {
      name: "Samples, a row for each network: arrow keys move over them",
      size: () => [this.#view?.rows.length ?? 0, this.#view?.rows[0].shown ?? 0],
      over: (row, column) => this.#choose(row, column),
    });
    rows.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const cell = event.target instanceof Element ? event.target.closest("[data-cell]") : null;
      if (cell instanceof HTMLElement) this.#choose(Number(cell.dataset.row), Number(cell.dataset.cell));
    });
  }

  /** @param {Copying | null} value */
  async show(value) {
    this.root.dataset.state = value ? "full" : "empty";
    if (!value) return;
    await this.sheets.load(value.rows.flatMap(({ sheet, nearest }) => [sheet, nearest]));
    this.#view = value;
    find(this.root, ".gb-said").textContent = value.said;
    find(this.root, ".cv-rows").replaceChildren(...value.rows.map((row, number) => this.#row(row, number)));
    const said = (this.look.take("sample") ?? "").split(".").map(Number);
    const [row, cell] = said.length === 2 && said.every(Number.isInteger) ? said : [value.rows.length - 1, 0];
    this.#draw(row, cell);
  }

  /** @param {Row} row @param {number} number */
  #row(row, number) {
    const columns = Array.from({ length: row.shown }, (_, cell) =>
      element(
        "div",
        {
          class: `cv-cell${row.distances[cell] < row.copy_distance ? " cv-copy" : ""}`,
          "data-row": String(number),
          "data-cell": String(cell),
          title: distanceWords(row, cell),
        },
        this.#tile(row.sheet, cell, row.shown),
        this.#tile(row.nearest, cell, row.shown, "cv-near"),
      ),
    );
    const title = `${row.count.toLocaleString("en")} ${row.count === 1 ? "sprite" : "sprites"}`;
    return element(
      "section",
      {},
      element("h3", {}, title, element("small", {}, ` ${row.copies} of ${row.shown} are copies`)),
      element("div", { class: "cv-cells" }, ...columns),
    );
  }

  /** @param {string} sheet @param {number} cell @param {number} count @param {string} [extra] */
  #tile(sheet, cell, count, extra) {
    return tile(this.sheets.known(sheet) ?? "", cell, count, extra);
  }

  /** @param {number} row @param {number} cell */
  #choose(row, cell) {
    this.#draw(row, cell);
    this.look.set("sample", this.#at.join("."));
  }

  /** @param {number} number @param {number} column */
  #draw(number, column) {
    const view = this.#view;
    if (!view) return;
    const place = clamp(number, 0, view.rows.length - 1);
    const row = view.rows[place];
    const cell = clamp(column, 0, row.shown - 1);
    this.#at = [place, cell];
    for (const node of this.root.querySelectorAll("[data-cell]"))
      node.classList.toggle("cv-chosen", node.dataset.row === String(place) && node.dataset.cell === String(cell));
    find(this.root, ".cv-large").replaceChildren(
      this.#tile(row.sheet, cell, row.shown),
      this.#tile(row.nearest, cell, row.shown),
    );
    const who = `Sample ${cell + 1} of the network that saw ${row.count.toLocaleString("en")}, and the nearest of them: `;
    find(this.root, ".cv-pair figcaption").textContent = `${who}${distanceWords(row, cell)}`;
  }
}

/** How far a sample is from what its network saw, and what that means. @param {Row} row @param {number} cell */
export function distanceWords({ distances, copy_distance, held_out }, cell) {
  const apart = distances[cell];
  const kind = apart < copy_distance ? "a copy" : apart < held_out ? "near, no copy" : "as far as real new ones";
  return `${apart.toFixed(0)} of 255 apart, ${kind} (of real sprites kept out 5 in 100 are nearer than ${copy_distance.toFixed(0)}; their median is ${held_out.toFixed(0)}).`;
}
