// A text under the eyes of a recurrent network: surprise, next-character bars and the map of its memory, linked.
//
// Events: `typed`, the visitor has changed the text box (`props.box`), where `TypedReading` is not answered; `interrupted`, they do so while the network is
// writing; `pick` (position, character), a bar was clicked; `inspect` (position, unit), a cell of the map was clicked;
// `moved` (position), another character was chosen; `follow` (layer, unit), a unit of another layer is to colour the text.

import { element, find, say } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { clamp } from "../core/keys.js";
import { css, diverging, inkOn, sequential } from "../core/ramps.js";
import { ask } from "../core/server.js";
import { CharacterRow, nameOf, titleAt } from "../pieces/characters.js";
import { MemoryMap } from "../pieces/memory_map.js";
import { NextBars } from "../pieces/next_bars.js";
import { arraysOf, Reading, summaryOf, UNKNOWN } from "../pieces/reading.js";
import { TypedBox } from "../pieces/typed_box.js";
import { TypedReading } from "../pieces/typed_reading.js";
import { UnitFinder } from "../pieces/unit_finder.js";
import { UnitOrder } from "../pieces/unit_order.js";
import { ends, showScale } from "../pieces/value_scale.js";

/** @typedef {import("../types.js").ReaderView} ReaderView */

export const template = `
<div class="reader" data-state="empty">
  <p class="gb-empty empty">Type a text, or take an example: every character you type becomes one column here.</p>
  <div class="sr-full">
  <section class="gb-panel" aria-label="The text as the network met it">
    <p class="gb-said followed" aria-live="polite"></p>
    <div class="bar-of-controls">
      <label>Colour the text by
        <select class="colouring"><option value="surprise">surprise</option><option value="unit">one unit</option></select>
      </label>
      <label class="unit-field">unit <input class="unit" type="number" min="0" step="1" value="0"></label>
      <label class="tracked-field">follow a unit that tracks <select class="tracked"></select></label>
      <span class="gb-scale text-scale"><span class="low"></span> <canvas width="96" height="1"></canvas> <span class="high"></span></span>
    </div>
    <div class="characters"><div class="text"></div></div>
    <div class="bar-of-controls">
      <label class="grow">back in time <input class="scrubber" type="range" min="0" max="0" value="0"></label>
      <button type="button" class="now">now</button>
    </div>
    <p class="gb-caption summary"></p>
  </section>
  <section class="gb-panel" aria-label="Prediction of the next character">
    <h3 class="prediction-title"></h3>
    <div class="bars"></div>
  </section>
  <section class="gb-panel wide" aria-label="Map of the memory over time">
    <h3 class="map-title"></h3>
    <div class="finder"></div>
    <div class="bar-of-controls">
      <label>rows
        <select class="amount"><option value="few">the first 24 units</option><option value="all">all units</option></select>
      </label>
      <label>order of units
        <select class="ordering"><option value="stored">as stored</option><option value="slow" selected>slow ones first</option><option value="value">by value at this character</option><option value="alike">alike ones together</option><option value="found" hidden>as found</option></select>
      </label>
      <label><input class="own" type="checkbox" checked> each row on its own scale</label>
      <span class="gb-scale map-scale"><span class="low"></span> <canvas width="96" height="1"></canvas> <span class="high"></span></span>
    </div>
    <div class="map"></div>
    <p class="gb-caption readout"></p>
  </section>
  </div>
</div>`;

const SURPRISE_LIMIT = 10; // bits
const TELLING_MILLISECONDS = 60;

export default class SequenceReader {
  /** @type {ReaderView | null} */ #view = null;
  /** @type {number | null} the character clicked; null follows the last one */ #pinned = null;
  /** @type {number | null} */ #hovered = null;
  #painted = ""; // unit and scale that the text is coloured by
  #reading = new Reading();
  #turn = Promise.resolve();
  #telling = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, emit, server, shows }) {
    this.root = root;
    this.emit = emit;
    this.server = server;
    const typing = new TypedReading(props, { server, emit, shows, view: () => this.#view });
    this.box = new TypedBox(props.box, { typed: () => typing.changed(), interrupted: emit.interrupted });
    this.row = new CharacterRow(find(root, ".characters .text"), {
      onHover: (place) => this.#hover(place),
      onPick: (place) => this.#pin(place),
    });
    this.bars = new NextBars(find(root, ".bars"), (character) =>
      this.emit.pick({ position: this.#place(), character }),
    );
    this.order = new UnitOrder(root);
    this.finder = new UnitFinder(find(root, ".finder"), {
      features: props.features ?? [],
      server,
      reading: () => this.#view?.reading ?? "",
      place: () => this.#place(),
      unit: () => (this.#byUnit() ? this.#unit() : -1),
      onRanked: (units) => this.#showFound(units),
      onUnit: (unit) => this.#colourBy(unit),
    });
    this.map = new MemoryMap(find(root, ".map"), {
      onHover: (cell) => this.#hover(cell?.place ?? null, cell?.unit ?? null),
      onPick: ({ place, unit }) => this.#inspect(place, unit),
    });
    this.#listen();
  }

  /** Views are taken one after the other. @param {ReaderView | null} view */
  show(view) {
    find(this.root, ".reader").dataset.state = view || this.#view ? "full" : "empty";
    if (!view) return this.#turn;
    const taken = this.#turn.then(() => this.#take(view));
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  /** @param {ReaderView} given */
  async #take(given) {
    if (given.version === this.#reading.version) return;
    const view = this.#reading.accepts(given) ? given : await this.#newest(given);
    const arrays = await arraysOf(view);
    if (this.box.isLate(given, this.#reading.textWith(view))) return void (given.goes_on && this.emit.interrupted());
    const before = this.#view;
    if (view.tracked === null) view.tracked = before?.tracked ?? [];
    const text = this.#reading.text;
    this.#reading.apply(view, arrays);
    if (this.#reading.text !== text) this.#pinned = null;
    if (this.#reading.text !== text || view.layer !== before?.layer) this.finder.forget();
    this.#view = view;
    this.#draw(view, before);
    this.box.goesOn = given.goes_on;
    if (given.writing) this.box.write(given.writing, this.#reading.text);
  }

  /** What is lacking of a reading of which a version was missed. @param {ReaderView} given @returns {Promise<ReaderView>} */
  #newest({ reading, bars }) {
    const { network, layer } = this.#view ?? {};
    return ask(this.server.newest_reading, { reading, bars, network, layer, text: `\n${this.#reading.text}` });
  }

  #place() {
    return Math.min(this.#hovered ?? this.#pinned ?? this.#reading.last, this.#reading.last);
  }

  #unit() {
    const typed = Math.round(Number(find(this.root, ".unit").value) || 0);
    return clamp(typed, 0, (this.#view?.units ?? 1) - 1);
  }

  #byUnit() {
    return find(this.root, ".colouring").value === "unit";
  }

  /** @param {number} value @param {number} [limit] the end of the scale */
  #color(value, limit = this.#view?.limit ?? 1) {
    return this.#view?.scale === "signed" ? diverging(value / limit) : sequential(value / limit);
  }

  /** @param {ReaderView} view @param {ReaderView | null} before */
  #draw(view, before) {
    const { characters, last } = this.#reading;
    this.#hovered = null;
    const same = before?.layer === view.layer && before.limit === view.limit && before.units === view.units;
    find(this.root, ".unit").max = view.units - 1;
    find(this.root, ".scrubber").max = last;
    this.row.show(this.#reading.typed, view.kept);
    this.#offerTracked(view);
    if (!before) this.#followFirst(view);
    this.#markTyped(view, Math.min(view.kept, before?.typed ?? 0, view.typed));
    const painted = this.#painted;
    this.#paintText(view.kept);
    say(find(this.root, ".summary"), summaryOf(characters));
    this.#paintMap(same ? view.kept : 0);
    if (!same || view.kept === 0 || painted !== this.#painted) this.#paintScales();
    this.#move();
  }

  /** @param {ReaderView} view */
  #offerTracked({ tracked }) {
    const [field, select] = [find(this.root, ".tracked-field"), find(this.root, ".tracked")];
    const units = tracked ?? [];
    field.hidden = !units.length;
    if (select.options.length !== units.length + 1 || select.dataset.of !== JSON.stringify(units)) {
      const options = units.map(({ feature, unit, correlation }, index) =>
        element("option", { value: index }, `${feature}: unit ${unit} (${fixed(correlation, 2)})`),
      );
      select.replaceChildren(element("option", { value: "" }, "—"), ...options);
      select.dataset.of = JSON.stringify(units);
    }
    if (select.value !== "" && units[Number(select.value)]?.unit !== this.#unit()) select.value = "";
  }

  /** Opens on the unit that follows something, where the layer shown has one. @param {ReaderView} view */
  #followFirst({ tracked, layer, units }) {
    const index = (tracked ?? []).findIndex((one) => one.layer === layer && one.unit < units);
    if (index < 0) return;
    find(this.root, ".tracked").value = String(index);
    find(this.root, ".colouring").value = "unit";
    find(this.root, ".unit").value = tracked?.[index].unit;
  }

  /** What the followed unit goes along with, in a sentence. */
  #sayFollowed() {
    const choice = this.#view?.tracked?.[Number(find(this.root, ".tracked").value || -1)];
    const same = choice && this.#byUnit() && choice.unit === this.#unit() && choice.layer === this.#view?.layer;
    const sentence = same
      ? `Unit ${choice.unit} of the ${choice.layer} goes along with “${choice.feature}”: correlation ${fixed(choice.correlation, 2)} on pages that no network had read. The text is coloured on this unit's own scale.`
      : "";
    say(find(this.root, ".followed"), sentence);
  }

  /** The end of the colour scale of one unit: its largest value in this text. @param {number} unit */
  #limitOf(unit) {
    const { scale, limit } = /** @type {ReaderView} */ (this.#view);
    if (scale !== "signed") return limit;
    return Math.max(1e-3, ...this.#reading.characters.map(({ column }) => Math.abs(column[unit])));
  }

  /** Marks what was sampled or is unknown. @param {ReaderView} view @param {number} first */
  #markTyped({ typed }, first) {
    const { characters } = this.#reading;
    for (let place = first; place < characters.length; place++) {
      this.row.spans[place].classList.toggle("sampled", place > typed);
      this.row.spans[place].classList.toggle("unknown", characters[place].read === UNKNOWN);
    }
  }

  /** Colours the characters from `kept` on, all where colours mean something else now. @param {number} kept */
  #paintText(kept) {
    const [byUnit, unit] = [this.#byUnit(), this.#unit()];
    const limit = byUnit ? this.#limitOf(unit) : 1;
    const painted = `${byUnit ? unit : ""} ${limit} ${this.#view?.layer}`;
    const first = painted === this.#painted ? kept : 0;
    this.#painted = painted;
    find(this.root, ".unit-field").hidden = !byUnit;
    this.#sayFollowed();
    this.#reading.characters.slice(first).forEach(({ surprise, column }, index) => {
      const { style } = this.row.spans[first + index];
      const rgb = byUnit ? this.#color(column[unit], limit) : null;
      const share = first + index ? Math.min(1, surprise / SURPRISE_LIMIT) * 60 : 0;
      style.background = rgb ? css(rgb) : `color-mix(in srgb, var(--gb-prediction) ${share}%, transparent)`;
      style.color = rgb ? inkOn(rgb) : "";
    });
  }

  #paintScales() {
    const { layer, units, scale, limit } = /** @type {ReaderView} */ (this.#view);
    const least = (/** @type {number} */ most) => (scale === "signed" ? -most : 0);
    find(this.root, ".map-title").textContent = `${layer[0].toUpperCase()}${layer.slice(1)}, ${units} units over time`;
    const ofText = this.#byUnit() ? this.#limitOf(this.#unit()) : null;
    const text = find(this.root, ".text-scale");
    if (ofText === null) showScale(text, null, "0", `${SURPRISE_LIMIT} bits or more`);
    else
      showScale(
        text,
        (share) => this.#color(least(ofText) + share * (ofText - least(ofText)), ofText),
        ...ends(least(ofText), ofText),
      );
    const ofRows = scale === "signed" && this.order.own;
    const named = ofRows ? /** @type {[string, string]} */ (["−", "the row's largest"]) : ends(least(limit), limit);
    showScale(find(this.root, ".map-scale"), (share) => this.#color(least(1) + share * (1 - least(1)), 1), ...named);
  }

  /** Orders the units and draws the map's columns from `kept` on. @param {number} kept */
  #paintMap(kept) {
    const { units, scale, limit, low, high } = /** @type {ReaderView} */ (this.#view);
    const { characters, last } = this.#reading;
    const columns = characters.map(({ column }) => column);
    const followed = this.#byUnit() ? this.#unit() : null;
    const { order, limits, same } = this.order.of(columns, units, {
      place: Math.min(this.#pinned ?? last, last),
      followed,
      limit,
      signed: scale === "signed",
    });
    this.map.show(columns, this.#reading.typed, order, (value) => this.#color(value, 1), limits, same ? kept : 0);
    find(this.root, ".map-scale").title = `this text: ${fixed(low, 2)} to ${fixed(high, 2)}`;
  }

  /** Shows units that were found, the first of them in the text too. @param {number[]} units */
  #showFound(units) {
    this.order.choose(units);
    this.#colourBy(units[0]);
    this.#paintMap(0);
    this.#move();
  }

  /** Shows the place pointed at or chosen. @param {number | null} cell unit under the pointer */
  #move(cell = null) {
    const place = this.#place();
    find(this.root, ".characters").querySelector(".current")?.classList.remove("current");
    this.row.spans[place].classList.add("current");
    this.row.root.classList.toggle("back", place < this.#reading.last);
    find(this.root, ".scrubber").value = place;
    find(this.root, ".now").disabled = place === this.#reading.last;
    this.#paintBars(place);
    const marked = cell ?? (this.#byUnit() ? this.#unit() : null);
    this.map.mark(place, marked);
    this.#read(place, marked);
  }

  /** @param {number} place @param {number | null} unit */
  #read(place, unit) {
    const { low, high } = /** @type {ReaderView} */ (this.#view);
    const { character, surprise, column } = this.#reading.characters[place];
    const after = place ? `“${nameOf(character)}”` : "the start";
    const surprised = place ? ` It was a surprise of ${surprise.toFixed(2)} bits.` : "";
    find(this.root, ".readout").textContent =
      unit === null
        ? `At ${after} (character ${place}). This text: ${fixed(low, 2)} to ${fixed(high, 2)}.${surprised}`
        : `Unit ${unit} after ${after} (character ${place}): ${fixed(column[unit], 3)}.${surprised}`;
  }

  /** @param {number} place */
  #paintBars(place) {
    const { characters } = this.#reading;
    const { best, probabilities } = characters[place];
    const next = characters[place + 1];
    /** @type {[string, number][]} */
    const rows = best.slice(0, this.#view?.bars).map((token, index) => [token, probabilities[index]]);
    if (next && !rows.some(([token]) => token === next.read)) rows.push([next.read, 2 ** -next.surprise]);
    this.bars.show(
      rows.map(([character, probability]) => ({ character, probability, taken: next?.read === character })),
    );
    find(this.root, ".prediction-title").textContent = titleAt(this.#reading.typed, place);
  }

  /** @param {number | null} place @param {number | null} unit */
  #hover(place, unit = null) {
    if (!this.#view || (place === null && this.#hovered === null)) return; // redrawing would take a bar from under a click
    this.#hovered = place;
    this.#move(unit);
  }

  /** @param {number} place */
  #pin(place) {
    this.#pinned = place === this.#reading.last ? null : place;
    this.#hovered = null;
    if (find(this.root, ".ordering").value === "value") this.#paintMap(0);
    this.#move();
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.emit.moved({ position: this.#place() }), TELLING_MILLISECONDS);
  }

  /** @param {number} place @param {number} unit */
  #inspect(place, unit) {
    this.#colourBy(unit);
    this.#pin(place);
    this.emit.inspect({ position: place, unit });
  }

  /** @param {number} unit */
  #colourBy(unit) {
    find(this.root, ".colouring").value = "unit";
    find(this.root, ".unit").value = unit;
    this.#recolour();
  }

  #recolour() {
    if (!this.#view) return;
    this.#paintText(0);
    this.#paintMap(this.#reading.characters.length);
    this.#paintScales();
    this.#move();
  }

  #follow() {
    const choice = this.#view?.tracked?.[Number(find(this.root, ".tracked").value || -1)];
    if (!choice) return;
    this.#colourBy(choice.unit);
    if (choice.layer !== this.#view?.layer) this.emit.follow({ layer: choice.layer, unit: choice.unit });
  }

  #listen() {
    const { root } = this;
    find(root, ".scrubber").addEventListener("input", () => this.#pin(Number(find(root, ".scrubber").value)));
    find(root, ".now").addEventListener("click", () => this.#pin(this.#reading.last));
    find(root, ".colouring").addEventListener("change", () => this.#recolour());
    find(root, ".tracked").addEventListener("change", () => this.#follow());
    find(root, ".unit").addEventListener("input", () => {
      this.#recolour();
      this.emit.inspect({ position: this.#place(), unit: this.#unit() });
    });
    for (const name of [".ordering", ".amount", ".own"])
      find(root, name).addEventListener("change", () => {
        if (!this.#view) return;
        this.#paintMap(0);
        this.#paintScales();
        this.#move();
      });
  }
}
