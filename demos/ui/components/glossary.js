// Words explained where they stand: a marked word opens a short note beside it. All of them in one list, too.

import { element, find } from "../core/dom.js";
import { follow } from "../core/shared.js";
import { glossary } from "../core/terms.js";

const MARGIN = 8;

export const template = `
<div class="gl-note" role="tooltip" id="gb-term-note" hidden></div>
<dialog class="gl-all" aria-label="All words explained"></dialog>`;

export default class Glossary {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.note = find(root, ".gl-note");
    this.dialog = find(root, ".gl-all");
    for (const node of [this.note, this.dialog]) node.classList.add("gb-view");
    document.body.append(this.note, this.dialog);
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
    document.addEventListener("scroll", () => this.hide(), { passive: true, capture: true });
    follow("glossary", root, () => this.showAll());
  }

  show() {}

  /** @param {MouseEvent} event */
  clicked(event) {
    const place = /** @type {Element} */ (event.target).closest?.('.gb-term, a[href^="#term-"]');
    if (!place) return this.hide();
    event.preventDefault();
    const name = termOf(/** @type {HTMLElement} */ (place));
    this.explain(/** @type {HTMLElement} */ (place), name).catch((error) => console.warn(error));
  }

  /** @param {HTMLElement} place @param {string} name */
  async explain(place, name) {
    const words = await glossary();
    this.note.replaceChildren(element("b", {}, name), ` ${words[name] ?? "is not explained here."}`);
    this.note.hidden = false;
    place.setAttribute("aria-describedby", this.note.id);
    const box = place.getBoundingClientRect();
    const width = this.note.offsetWidth;
    const left = Math.min(Math.max(MARGIN, box.left), window.innerWidth - width - MARGIN);
    const below = box.bottom + MARGIN + this.note.offsetHeight < window.innerHeight;
    this.note.style.left = `${left}px`;
    this.note.style.top = `${below ? box.bottom + 4 : box.top - this.note.offsetHeight - 4}px`;
  }

  hide() {
    this.note.hidden = true;
  }

  async showAll() {
    const words = await glossary();
    const names = Object.keys(words).sort((one, other) => one.localeCompare(other));
    const rows = names.flatMap((name) => [element("dt", {}, name), element("dd", {}, words[name])]);
    const close = element(
      "button",
      { type: "button", class: "gb-primary", onclick: () => this.dialog.close() },
      "Close",
    );
    this.dialog.replaceChildren(element("h2", {}, "All words explained"), element("dl", {}, ...rows), close);
    this.dialog.showModal();
  }
}

/** The term a marked word stands for. @param {HTMLElement} place */
export function termOf(place) {
  const named = place.dataset.term ?? decodeURIComponent((place.getAttribute("href") ?? "").replace("#term-", ""));
  return named.replaceAll("_", " ");
}
