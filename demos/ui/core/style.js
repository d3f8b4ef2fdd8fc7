// Style sheets beside modules: each module that needs one asks for it once.

import { element } from "./dom.js";

/** @type {Map<string, Promise<void>>} */
const asked = new Map();

/**
 * Adds the style sheet of the same name as a module: `styleOf(import.meta.url)` at its top.
 * @param {string} module address of the module
 */
export function styleOf(module) {
  if (typeof document === "undefined") return; // a test of the pure part of a module
  addStyle(module.replace(/\.js$/, ".css"));
}

/** Adds a style sheet once. @param {string} href @returns {Promise<void>} resolves when it applies, or cannot be had */
export function addStyle(href) {
  const known = asked.get(href);
  if (known) return known;
  const link = element("link", { rel: "stylesheet", href });
  const settled = new Promise((resolve) => {
    link.addEventListener("load", () => resolve(undefined), { once: true });
    link.addEventListener("error", () => resolve(undefined), { once: true });
  });
  document.head.append(link);
  asked.set(href, /** @type {Promise<void>} */ (settled));
  return /** @type {Promise<void>} */ (settled);
}

/** Resolves when every sheet asked for so far applies. @returns {Promise<unknown>} */
export const stylesReady = () => Promise.all(asked.values());
