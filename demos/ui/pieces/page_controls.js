// Using the page as a visitor does: opening a tab and one of its pages, filling in a control, pressing a button.
// What is set by hand and what is set here go the same way, so that whoever follows a lesson could have done it.

import { panelOf } from "../core/address.js";

const PATIENCE = 20_000;
const EVERY = 100;

/**
 * Waits until something is there. Rejects with a sentence after 20 seconds.
 * @template T @param {() => T | null | undefined | false} find @param {string} what @returns {Promise<T>}
 */
export async function until(find, what) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = find();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what} did not appear: go on, or try the step again.`);
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

/** @param {string} id */
const byId = (id) => document.getElementById(id);

/** Opens a tab of the app. @param {string} tab its slug */
export async function openTab(tab) {
  const title = await until(() => byId(`tab-${tab}-button`), "The tab");
  if (title.getAttribute("aria-selected") !== "true") title.click();
  await until(() => isSeen(byId(`tab-${tab}`)), "The tab");
}

/** Opens a page of an open tab. @param {string} tab @param {string} page its id */
export async function openPage(tab, page) {
  const title = await until(() => byId(`${panelOf(`${tab}/${page}`)}-button`), "The page");
  if (title.getAttribute("aria-selected") !== "true") title.click();
}

/** @param {HTMLElement | null} node */
const isSeen = (node) => node !== null && node.offsetParent !== null && node;

/**
 * Sets the control of that element id: a text, a number, a choice by its label or true or false.
 * @param {string} id @param {string | number | boolean} value
 */
export async function setControl(id, value) {
  const place = await until(() => byId(id), `The control “${id}”`);
  const radios = /** @type {HTMLInputElement[]} */ ([...place.querySelectorAll('input[type="radio"]')]);
  if (radios.length) return choose(radios, String(value));
  const box = /** @type {HTMLInputElement | null} */ (place.querySelector('input[type="checkbox"]'));
  if (box) return void (box.checked !== value && box.click());
  const field = /** @type {HTMLInputElement | null} */ (
    place.querySelector("textarea, input[type=number], input[type=text], input[type=range], input:not([type])")
  );
  if (!field) throw new Error(`The control “${id}” cannot be set.`);
  if (field.getAttribute("role") === "listbox") return pick(field, String(value));
  fill(field, String(value));
}

/** What the control of that element id holds: the value of a choice, a text, a number; null where there is none. @param {string} id */
export function controlValue(id) {
  const place = byId(id);
  const field = /** @type {HTMLInputElement | null | undefined} */ (
    place?.querySelector("input[type=radio]:checked") ?? place?.querySelector("textarea, input[type=number]")
  );
  return field ? (field.type === "number" ? Number(field.value) : field.value) : null;
}

/** @param {HTMLInputElement[]} radios @param {string} label */
function choose(radios, label) {
  const wanted = radios.find((radio) => radio.closest("label")?.textContent?.trim() === label);
  if (!wanted) throw new Error(`There is no choice “${label}” here.`);
  wanted.click();
}

/** @param {HTMLInputElement} field @param {string} label */
async function pick(field, label) {
  field.focus();
  const option = await until(
    () =>
      /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[role="option"]')]).find(
        (node) => node.getAttribute("aria-label") === label || node.textContent?.replace("✓", "").trim() === label,
      ),
    `The choice “${label}”`,
  );
  option.dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
  option.click();
  field.blur();
}

/** As typing does: the value, and the events that frameworks listen for. @param {HTMLInputElement} field @param {string} text */
export function fill(field, text) {
  const kind = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value")?.set?.call(field, text);
  for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
  if (field.type === "range") field.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
}

/** Presses the button of that element id, or the one inside. @param {string} id */
export async function press(id) {
  const place = await until(() => byId(id), `The button “${id}”`);
  const button = place.matches("button") ? place : place.querySelector("button");
  if (!button) throw new Error(`There is no button “${id}”.`);
  /** @type {HTMLElement} */ (button).click();
}

/**
 * Presses the button with these words on a page.
 * @param {string} tab @param {string} words
 */
export async function pressNamed(tab, words) {
  const panel = await until(() => byId(`tab-${tab}`), "The tab");
  const button = await until(
    () =>
      [...panel.querySelectorAll("button")].find(
        (node) => node.textContent?.trim() === words && node.offsetParent !== null,
      ),
    `The button “${words}”`,
  );
  button.click();
}

/** Shows where to look: a frame around a place, which goes when the next one is shown. @param {string} id */
export async function pointAt(id) {
  clearPointer();
  const place = await until(() => isSeen(byId(id)), "The place");
  place.classList.add("gb-pointed");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  place.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
}

export function clearPointer() {
  for (const node of document.querySelectorAll(".gb-pointed")) node.classList.remove("gb-pointed");
}

/** The address the visitor came by; that of the page changes with what is done on it. */
export const arrivedAt = () => performance.getEntriesByType("navigation")[0]?.name ?? location.href;
