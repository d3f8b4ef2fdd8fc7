// Sheets: pictures of one size side by side in one file. Tiles show one of them each.

import { file } from "../core/arrays.js";
import { element } from "../core/dom.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

/** Sheets that a view has fetched: one request and one decoding, however many tiles show them and for how long. */
export class Sheets {
  /** @type {Map<string, string>} */ #local = new Map();

  /** Where a fetched sheet is found in the browser; undefined before it is there. @param {string} sheet */
  known(sheet) {
    return sheet.startsWith("data:") ? sheet : this.#local.get(sheet);
  }

  /** Throws an Error with a sentence where one is no longer kept. @param {string[]} sheets */
  async load(sheets) {
    await Promise.all(
      sheets
        .filter((sheet) => !this.known(sheet))
        .map(async (sheet) => this.#local.set(sheet, URL.createObjectURL(await file(sheet)))),
    );
  }

  forget() {
    for (const url of this.#local.values()) URL.revokeObjectURL(url);
    this.#local.clear();
  }
}

/** Place of a picture on its sheet as a CSS background. @param {number} index @param {number} count */
export const placeOn = (index, count) => ({
  backgroundSize: `${count * 100}% 100%`,
  backgroundPosition: count > 1 ? `${(index / (count - 1)) * 100}% 0` : "0 0",
});

/** @param {string} url of the sheet @param {number} index @param {number} count @param {string} [extra] */
export const tile = (url, index, count, extra = "") =>
  element("div", {
    class: `gb-tile tile ${extra}`.trim(),
    style: { backgroundImage: `url(${url})`, ...placeOn(index, count) },
  });
