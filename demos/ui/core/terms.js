// The words that texts mark: `[[bits]]`, or `[[surprised|surprise]]` where the text writes it otherwise. In Markdown they are
// links to `#term-bits`. What a word means is in `glossary.json`, fetched when the first one is asked for.

import { element } from "./dom.js";

const MARKED = /\[\[([^[\]|]{1,40})(?:\|([^[\]|]{1,40}))?\]\]/g;

/** @type {Promise<Record<string, string>> | null} */
let asked = null;

/** Every term and what it means. @returns {Promise<Record<string, string>>} */
export function glossary() {
  asked ??= fetch(new URL("../glossary.json", import.meta.url)).then((answer) => answer.json());
  asked.catch(() => (asked = null));
  return asked;
}

/**
 * A text in parts: plain ones, and terms with how they are written here.
 * @param {string} text @returns {(string | { shown: string, term: string })[]}
 */
export function partsOf(text) {
  /** @type {(string | { shown: string, term: string })[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(MARKED)) {
    parts.push(text.slice(end, match.index), { shown: match[1], term: match[2] ?? match[1] });
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)].filter((part) => part !== "");
}

/** A text as nodes, its terms as buttons that explain themselves. @param {string} text */
export const withTerms = (text) =>
  partsOf(text).map((part) => (typeof part === "string" ? document.createTextNode(part) : term(part.term, part.shown)));

/** @param {string} name @param {string} [shown] */
export const term = (name, shown = name) =>
  element("button", { type: "button", class: "gb-term", data: { term: name } }, shown);
