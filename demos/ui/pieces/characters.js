// A text character by character, each of which can be pointed at and chosen. The first is the line break before it.

import { element } from "../core/dom.js";
import { onCells } from "../core/keys.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

/** @type {Record<string, string>} */
const NAMES = { " ": "space", "\n": "newline", "\ufffd": "unknown" };

/** A character by its name where it is not seen. @param {string} character */
export const nameOf = (character) => NAMES[character] ?? character;

/** What stands for a character in a row. @param {string} character @param {number} place */
const glyph = (character, place) => (place === 0 ? "start⏎" : character === "\n" ? "⏎\n" : character);

/**
 * "Next character after …" for a place in a text.
 * @param {string[]} characters @param {number} place
 */
export function titleAt(characters, place) {
  if (!place) return "First character of a text";
  const read = characters.slice(Math.max(1, place - 11), place + 1).join("");
  return `Next character after “${place > 11 ? "…" : ""}${read.replaceAll("\n", "⏎")}”`;
}

/** `show(characters, kept)` draws what comes after the first `kept`; `spans` are those of all characters. */
export class CharacterRow {
  /** @type {HTMLSpanElement[]} */ spans = [];

  /**
   * @param {HTMLElement} root
   * @param {{ onHover: (place: number | null) => void, onPick: (place: number) => void }} told
   */
  constructor(root, { onHover, onPick }) {
    this.root = root;
    root.classList.add("gb-characters");
    root.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "touch") onHover(this.#placeOf(event));
    });
    root.addEventListener("pointerleave", () => onHover(null));
    root.addEventListener("click", (event) => {
      const place = this.#placeOf(event);
      if (place !== null) onPick(place);
    });
    onCells(root, {
      name: "The text, character by character: arrow keys move along it, Enter picks one",
      size: () => [1, this.spans.length],
      over: (_, place) => onHover(place),
      pick: (_, place) => onPick(place),
      away: () => onHover(null),
    });
  }

  /** @param {string[]} characters all of them @param {number} kept how many are drawn already */
  show(characters, kept = 0) {
    for (const span of this.spans.splice(kept)) span.remove();
    const added = characters.slice(kept).map((character, index) => {
      const place = kept + index;
      return element("span", { class: place ? null : "start", data: { place } }, glyph(character, place));
    });
    this.spans.push(...added);
    this.root.append(...added);
  }

  /** @param {Event} event */
  #placeOf(event) {
    const span = /** @type {HTMLElement} */ (event.target).closest("[data-place]");
    return span ? Number(/** @type {HTMLElement} */ (span).dataset.place) : null;
  }
}
