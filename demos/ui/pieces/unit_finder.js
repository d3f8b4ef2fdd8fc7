// Units found for the visitor: click what they may follow and get them ranked; switch them off and see.

import { chip, chipRow, element } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { ask } from "../core/server.js";

/** @typedef {import("../types.js").FoundUnitsView} FoundUnitsView */

const FIRST_UNITS = 3;

export class UnitFinder {
  /** @type {FoundUnitsView | null} */ #found = null;
  #busy = "";

  /**
   * @param {HTMLElement} root
   * @param {{ features: string[], server: any, reading: () => string, place: () => number,
   *   onRanked: (units: number[]) => void, onUnit: (unit: number) => void, unit: () => number }} page
   */
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.chips = element("div");
    this.ranked = element("div");
    this.answer = element("p", { class: "gb-caption uf-answer", "aria-live": "polite" });
    root.replaceChildren(this.chips, this.ranked, this.answer);
    this.#draw();
  }

  /** The feature that the ranking on the page is of; null before one is chosen. */
  get feature() {
    return this.#found?.feature ?? null;
  }

  /** Forgets the ranking: it was of another text or layer. */
  forget() {
    if (!this.#found && !this.answer.textContent) return;
    this.#found = null;
    this.answer.textContent = "";
    this.#draw();
  }

  #draw() {
    const found = this.#found;
    const chips = this.page.features.map((name) =>
      chip(name, name === found?.feature, () => this.#find(name), { disabled: this.#busy === name }),
    );
    this.chips.replaceChildren(chipRow("Find units that follow", chips));
    this.ranked.replaceChildren(...(found ? this.#ranking(found) : []));
  }

  /** @param {FoundUnitsView} found */
  #ranking({ units, off, chance, layer, feature }) {
    const chips = units.slice(0, 8).map(({ unit, here, known }) =>
      chip(`${unit}: ${fixed(here, 2)}`, unit === this.page.unit(), () => this.page.onUnit(unit), {
        title: known === null ? "in this text" : `in this text; on pages no network had read ${fixed(known, 2)}`,
      }),
    );
    const tested = off.length ? off : units.slice(0, FIRST_UNITS).map(({ unit }) => unit);
    const button = chip(`Switch ${tested.join(", ")} off here and see`, false, () => this.#without(tested));
    const known = off.length
      ? `Units ${off.join(", ")} follow it on pages that no network had read, too.`
      : "None of these is known to follow it on other pages.";
    const said = `The ${layer}'s units by their correlation with “${feature}” in this text; by chance the best would reach ${fixed(chance, 2)}. ${known}`;
    return [chipRow("unit: correlation", chips), element("p", { class: "gb-caption" }, said), chipRow("now", [button])];
  }

  /** @param {string} feature */
  #find(feature) {
    return this.#asking(feature, async () => {
      this.#found = await ask(this.page.server.units_found, { reading: this.page.reading(), feature });
      this.answer.textContent = "";
      this.page.onRanked(/** @type {FoundUnitsView} */ (this.#found).units.map(({ unit }) => unit));
    });
  }

  /** @param {number[]} units */
  #without(units) {
    return this.#asking("off", async () => {
      this.answer.textContent = "The text is read again without them …";
      const request = { reading: this.page.reading(), position: this.page.place(), units };
      this.answer.textContent = (await ask(this.page.server.units_off, request)).sentence;
    });
  }

  /** @param {string} what @param {() => Promise<void>} act */
  async #asking(what, act) {
    if (this.#busy) return;
    this.#busy = what;
    try {
      await act();
    } catch (error) {
      this.answer.textContent = /** @type {Error} */ (error).message;
    }
    this.#busy = "";
    this.#draw();
  }
}
