// A line out of blanks: before and after each step, what the network said of a blank, from both sides and from each alone.
//
// Asks the server `view_sides` (line, place).

import { load, part } from "../core/arrays.js";
import { element, find } from "../core/dom.js";
import { fixed, percent } from "../core/format.js";
import { clamp, onCells } from "../core/keys.js";
import { css, sequential } from "../core/ramps.js";
import { ask } from "../core/server.js";
import { nameOf } from "../pieces/characters.js";
import { FilmControls, filmControls } from "../pieces/film_controls.js";

/** @typedef {import("../types.js").BlanksView} Blanks */
/** @typedef {import("../types.js").LikelyView} Likely */
/** @typedef {import("../types.js").SidesView} Sides */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */
/** @typedef {{ likely: NumericArray, chances: NumericArray, entropy: NumericArray }} Said */

const ASKED_AFTER_MILLISECONDS = 120; // so that moving fast asks the server once

export const template = `
<div class="gb-panel blank-lines" data-state="empty">
  <p class="gb-empty">Type a line with blanks and press Fill the blanks.</p>
  <div class="full">
    <p class="gb-said"></p>
    <div class="bl-line"></div>
    <p class="gb-caption bl-legend">A blank is the brighter, the less the network is decided:
      <span class="bl-scale"></span> 0 to <span class="bl-most"></span> bits. Dotted below: given. Framed: filled in this step.</p>
    ${filmControls}
    <section class="bl-place">
      <p class="bl-about" aria-live="polite"></p>
      <div class="bl-sides"></div>
    </section>
    <section class="bl-beside">
      <h3>The same blanks in other numbers of steps</h3>
      <div class="bl-scroll" tabindex="0" role="region" aria-label="The same blanks in other numbers of steps"><table class="gb-table">
        <thead><tr><th>steps</th><th>a line</th><th>words of the books <small class="bl-lines"></small></th></tr></thead><tbody></tbody>
      </table></div>
    </section>
  </div>
</div>`;

export default class BlankLines {
  /** @type {Blanks | null} */ #view = null;
  /** @type {Said | null} */ #said = null;
  /** @type {HTMLElement[]} */ #cells = [];
  /** @type {Map<string, Sides>} */ #sides = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #asking;
  #key = ""; // all lines of the film that is shown or on its way
  #place = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server, look }) {
    this.root = find(root, ".blank-lines");
    this.server = server;
    this.look = look;
    this.controls = new FilmControls(
      find(root, ".gb-film-controls"),
      () => this.#film(),
      () => this.#moved(),
    );
    const line = find(root, ".bl-line");
    onCells(line, {
      name: "The line, character by character: arrow keys move along it",
      size: () => [1, this.#cells.length],
      over: (_, place) => this.#choose(place),
    });
    line.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const cell = event.target instanceof Element ? event.target.closest("[data-place]") : null;
      if (cell instanceof HTMLElement) this.#choose(Number(cell.dataset.place));
    });
  }

  #film() {
    const length = this.#view?.lines.length ?? 0;
    return { length, newest: length - 1, total: length };
  }

  /** @param {Blanks | null} value */
  async show(value) {
    this.root.dataset.state = value ? "full" : "empty";
    if (!value) return this.controls.stop();
    find(this.root, ".gb-said").textContent = value.said;
    this.#drawBeside(value);
    const key = value.lines.join();
    if (key === this.#key && value.beside.length) return; // only more of it
    this.#key = key;
    const [likely, chances, entropy] = await this.#load(value);
    if (key !== this.#key) return;
    [this.#view, this.#said] = [value, { likely, chances, entropy }];
    this.#sides.clear();
    this.#build(value);
    this.#begin(value);
  }

  /** @param {Blanks} value */
  async #load({ likely, chances, entropy }) {
    try {
      return await Promise.all([likely, chances, entropy].map(load));
    } catch (error) {
      this.#key = ""; // the same line may be shown when it comes again
      throw error;
    }
  }

  /** @param {Blanks} view */
  #build({ lines }) {
    this.#cells = Array.from(lines[0], (_, place) => element("span", { class: "bl-cell", data: { place } }));
    find(this.root, ".bl-line").replaceChildren(...this.#cells);
    const stops = Array.from({ length: 9 }, (_, stop) => css(sequential(stop / 8))).join(",");
    find(this.root, ".bl-scale").style.background = `linear-gradient(to right, ${stops})`;
    find(this.root, ".bl-most").textContent = fixed(this.#most, 1);
  }

  /** The highest entropy of all steps. */
  get #most() {
    return Math.max(0.1, ...(this.#said?.entropy.data ?? []));
  }

  /** From the beginning, as the network went, or where a link says. @param {Blanks} view */
  #begin(view) {
    const [step, place] = [this.look.take("step"), this.look.take("place")].map((said) => Number(said ?? Number.NaN));
    const blank = view.given.indexOf(false);
    this.#place = Number.isInteger(place) ? clamp(place - 1, 0, view.given.length - 1) : blank;
    this.controls.begin();
    if (Number.isInteger(step)) return this.controls.jump(step);
    this.controls.start();
  }

  /** @param {number} place */
  #choose(place) {
    this.#place = place;
    this.look.set("place", place + 1);
    this.#draw();
  }

  #moved() {
    const last = (this.#view?.lines.length ?? 1) - 1;
    const { current, playing } = this.controls;
    this.look.set("step", playing || current === last ? null : current);
    this.#draw();
  }

  #draw() {
    const view = this.#view;
    if (!view || !this.#said) return;
    const at = this.controls.current;
    const [line, before, most] = [view.lines[at], view.lines[Math.max(0, at - 1)], this.#most];
    const entropy = at < view.lines.length - 1 ? part(this.#said.entropy, at).data : null;
    this.#cells.forEach((cell, place) => {
      const blank = view.drawn_at[place] > at;
      cell.textContent = blank ? "" : line[place] === " " ? "\u00a0" : line[place];
      cell.style.background = blank && entropy ? css(sequential(entropy[place] / most)) : "";
      cell.classList.toggle("bl-blank", blank);
      cell.classList.toggle("bl-given", view.given[place]);
      cell.classList.toggle("bl-new", line[place] !== before[place]);
      cell.classList.toggle("bl-chosen", place === this.#place);
    });
    const left = view.drawn_at.filter((step) => step > at).length;
    const blanks = left === 1 ? "1 blank" : `${left} blanks`;
    this.controls.say(`step ${at} of ${view.lines.length - 1}, ${left ? `${blanks} left` : "nothing left to fill"}`);
    this.#drawPlace(view, at);
  }

  /** What was said of the chosen place: now, or in the step that filled it. @param {Blanks} view @param {number} at */
  #drawPlace(view, at) {
    const place = this.#place;
    find(this.root, ".bl-about").textContent = aboutPlace(view, place, at);
    const sides = find(this.root, ".bl-sides");
    clearTimeout(this.#asking);
    if (view.given[place]) return sides.replaceChildren();
    const moment = Math.min(at, view.drawn_at[place] - 1);
    const drawn = at >= view.drawn_at[place] ? view.lines[at][place] : "";
    const key = `${moment} ${place}`;
    const known = this.#sides.get(key);
    const both = known?.both ?? this.#likely(view, moment, place);
    sides.replaceChildren(
      bars("From left and right", both, drawn),
      bars("From the left alone", known?.left ?? null, drawn),
      bars("From the right alone", known?.right ?? null, drawn),
    );
    if (!known) this.#askLater(view, moment, place);
  }

  /** @param {Blanks} view @param {number} moment @param {number} place @returns {Likely} */
  #likely(view, moment, place) {
    const { likely, chances, entropy } = /** @type {Said} */ (this.#said);
    const characters = Array.from(part(likely, moment, place).data, (one) => view.alphabet[one]).join("");
    const bits = part(entropy, moment).data[place];
    return { characters, chances: Array.from(part(chances, moment, place).data), entropy: bits };
  }

  /** What is passed by is not asked about. @param {Blanks} view @param {number} moment @param {number} place */
  #askLater(view, moment, place) {
    this.#asking = setTimeout(
      () => (this.controls.playing ? this.#askLater(view, moment, place) : this.#ask(view, moment, place)),
      ASKED_AFTER_MILLISECONDS,
    );
  }

  /** @param {Blanks} view @param {number} moment @param {number} place */
  async #ask(view, moment, place) {
    const sides = await ask(this.server.view_sides, { line: view.lines[moment], place });
    if (view !== this.#view) return;
    this.#sides.set(`${moment} ${place}`, sides);
    this.#draw();
  }

  /** @param {Blanks} view */
  #drawBeside({ beside }) {
    const rows = beside.map(({ steps, line, known, total }) =>
      element(
        "tr",
        {},
        element("td", { class: "gb-number" }, String(steps)),
        element("td", { class: "bl-text" }, line),
        element("td", {}, total ? `${percent(known / total)} of ${total}` : "no whole words"),
      ),
    );
    find(this.root, ".bl-beside").hidden = !rows.length;
    find(this.root, ".bl-lines").textContent = rows.length ? `in ${beside[0].lines} lines` : "";
    find(this.root, ".bl-beside tbody").replaceChildren(...rows);
  }
}

/** What is to be said of a place after step `at`. @param {Blanks} view @param {number} place @param {number} at */
export function aboutPlace({ lines, given, drawn_at, drawn_chance }, place, at) {
  const where = `Character ${place + 1}`;
  const last = lines[lines.length - 1][place];
  if (given[place]) return `${where}, “${nameOf(last)}”, was given: it is never changed.`;
  const step = drawn_at[place];
  if (at < step) return `${where} is a blank; step ${step} will fill it. What the network says of it now:`;
  return `${where}: step ${step} drew “${nameOf(last)}”, which had ${percent(drawn_chance[place])}. What the network said before it:`;
}

/** @param {string} title @param {Likely | null} said @param {string} drawn */
function bars(title, said, drawn) {
  const rows = Array.from(said?.characters ?? "", (character, place) => {
    const share = said?.chances[place] ?? 0;
    const fill = element("span", { class: "gb-fill", style: { width: `${100 * share}%` } });
    return element(
      "div",
      { class: `gb-bar-row${character === drawn ? " bl-drawn" : ""}` },
      element("b", {}, nameOf(character)),
      element("span", { class: "gb-track" }, fill),
      element("span", { class: "gb-number" }, percent(share)),
    );
  });
  const entropy = said ? `${fixed(said.entropy, 1)} bits` : "…";
  return element("div", { class: "bl-side" }, element("h3", {}, title, element("small", {}, ` ${entropy}`)), ...rows);
}
