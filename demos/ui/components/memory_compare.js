// A text read with and without an edit of the memory: where the predictions part, and what each run goes on to write.
//
// Event: `pause` (position), a character was clicked; the next edit takes place after it.

import { load, part } from "../core/arrays.js";
import { LineChart } from "../core/chart.js";
import { element, find } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { diverging } from "../core/ramps.js";
import { CharacterRow, nameOf, titleAt } from "../pieces/characters.js";
import { onUnits, paintUnits, unitAt } from "../pieces/units.js";

/** @typedef {import("../types.js").ComparisonView} ComparisonView */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

/**
 * @typedef {object} Shown
 * @property {ComparisonView} view
 * @property {NumericArray} difference
 * @property {NumericArray} distance
 * @property {NumericArray} surprise
 * @property {NumericArray} best
 * @property {NumericArray} probabilities
 * @property {NumericArray} states
 */

export const template = `
<div class="mc" data-state="empty">
  <p class="gb-empty">Nothing has been read yet.</p>
  <div class="mc-body">
    <section class="gb-panel" aria-label="The text, coloured by how much the edit changes the prediction">
      <div class="mc-row">
        <b>Where the edit matters</b>
        <span class="gb-scale"><span>0</span> <span class="ramp"></span> <span class="mc-high"></span></span>
      </div>
      <div class="mc-text"></div>
      <p class="gb-caption mc-hint">Click a character to pause there: the next edit takes place after it.</p>
      <ol class="mc-edits"></ol>
      <p class="gb-said mc-said" aria-live="polite"></p>
      <p class="gb-caption mc-summary"></p>
    </section>
    <section class="gb-panel" aria-label="Both predictions">
      <b class="mc-title"></b>
      <div class="mc-key"><span><i class="mc-solid"></i> unedited</span><span><i class="mc-dashed"></i> edited</span></div>
      <div class="mc-pairs"></div>
      <p class="gb-caption mc-readout"></p>
    </section>
    <section class="gb-panel mc-wide mc-writing" aria-label="What each run goes on to write">
      <b>What each goes on to write, with the same dice</b>
      <p class="mc-unedited"></p>
      <p class="mc-edited"></p>
    </section>
    <section class="gb-panel" aria-label="How long the difference lasts">
      <b>How long the difference lasts</b>
      <div class="lc-legend"></div>
      <div class="lc-frame"></div>
    </section>
    <section class="gb-panel" aria-label="The memory at the last edit">
      <b>The memory at the last edit</b>
      <div class="mc-memories"></div>
      <p class="gb-caption mc-unit"></p>
    </section>
  </div>
</div>`;

const LEAST_LIMIT = 0.5; // bits: a smaller difference is not drawn as if it were a large one

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Mean of a run's surprise after the first edit. @param {ArrayLike<number>} bits by place @param {number} first */
export function meanAfter(bits, first) {
  const after = Array.from(bits).slice(first + 1);
  return after.reduce((sum, value) => sum + value, 0) / after.length;
}

/** Where two runs differ most. @param {ArrayLike<number>} bits by place */
const mostChanged = (bits) => Array.from(bits).indexOf(Math.max(...Array.from(bits)));

/** The pair, of (before, after) one behind the other, that loses most bits. @param {number[]} pairs */
export function mostLost(pairs) {
  const count = pairs.length / 2;
  const lost = Array.from({ length: count }, (_, index) => {
    const [before, after] = [Math.max(pairs[2 * index], 1e-9), Math.max(pairs[2 * index + 1], 1e-9)];
    return before * Math.log2(before / after);
  });
  const index = lost.indexOf(Math.max(...lost));
  return { index, before: pairs[2 * index], after: pairs[2 * index + 1] };
}

export default class MemoryCompare {
  /** @type {Shown | null} */ #shown = null;
  /** @type {number | null} */ #paused = null;
  /** @type {number | null} */ #hovered = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.root = root;
    this.emit = emit;
    this.chart = new LineChart(find(root, ".lc-frame"), find(root, ".lc-legend"));
    this.row = new CharacterRow(find(root, ".mc-text"), {
      onHover: (place) => this.#hover(place),
      onPick: (place) => this.#pause(place),
    });
  }

  /** @param {ComparisonView | null} view */
  async show(view) {
    find(this.root, ".mc").dataset.state = view ? "full" : "empty";
    if (!view) return;
    const handles = [view.difference, view.distance, view.surprise, view.best, view.probabilities, view.states];
    const [difference, distance, surprise, best, probabilities, states] = await Promise.all(handles.map(load));
    if (this.#shown?.view.text.join("") !== view.text.join("")) this.#paused = view.edits.length ? view.first : null;
    this.#shown = { view, difference, distance, surprise, best, probabilities, states };
    this.#hovered = null;
    this.#drawText(this.#shown);
    this.#drawEdits(this.#shown);
    this.#say(this.#shown);
    this.#drawPairs(this.#shown);
    this.#drawWriting(view);
    this.#drawChart(this.#shown);
    this.#drawMemories(this.#shown);
  }

  /** @param {number | null} place */
  #hover(place) {
    if (!this.#shown) return;
    this.#hovered = place;
    this.#mark();
    this.#drawPairs(this.#shown);
  }

  /** @param {number} place */
  #pause(place) {
    if (!this.#shown) return;
    this.#paused = place;
    this.#mark();
    this.#drawPairs(this.#shown);
    this.emit.pause({ position: place });
  }

  /** @param {Shown} shown */
  #drawText({ view, difference }) {
    const limit = Math.max(LEAST_LIMIT, ...difference.data);
    this.row.show(view.text);
    this.row.spans.forEach((span, place) => {
      const bits = difference.data[place];
      span.title = `${bits.toFixed(2)} bits`;
      span.style.background = `color-mix(in srgb, var(--gb-prediction) ${(65 * bits) / limit}%, transparent)`;
    });
    find(this.root, ".mc-high").textContent = `${limit.toFixed(1)} bits`;
    this.#mark();
  }

  #mark() {
    this.row.spans.forEach((span, place) => {
      span.classList.toggle("paused", place === this.#paused);
      span.classList.toggle("current", place === this.#hovered);
    });
  }

  /** @param {Shown} shown */
  #drawEdits({ view, surprise }) {
    const after = view.text.length - 1 - view.first;
    const [unedited, edited] = [0, 1].map((run) => meanAfter(part(surprise, run).data, view.first).toFixed(2));
    find(this.root, ".mc-edits").replaceChildren(...view.edits.map((words) => element("li", {}, words)));
    const compared =
      after > 0
        ? `The ${after} characters after the first edit surprise the unedited network by ${unedited} bits each, the edited one by ${edited}.`
        : "The edit takes place after the last character: look at the prediction and at what each goes on to write.";
    find(this.root, ".mc-summary").textContent = view.edits.length ? compared : "No edit yet.";
  }

  /** What the edit does where it matters most. @param {Shown} shown */
  #say({ view, best, probabilities, difference }) {
    const said = find(this.root, ".mc-said");
    said.textContent = "";
    if (!view.edits.length) return;
    const place = mostChanged(difference.data);
    const moved = mostLost(Array.from(part(probabilities, place).data));
    const token = Array.from(view.alphabet)[part(best, place).data[moved.index]];
    const read = view.text.slice(Math.max(1, place - 9), place + 1).join("");
    said.textContent = `After “${read.trimStart()}” the probability of ${nameOf(token)} goes from ${percent(moved.before)} to ${percent(moved.after)}.`;
  }

  /** @param {Shown} shown */
  #drawPairs({ view, difference, surprise, best, probabilities }) {
    const { text, alphabet } = view;
    const chosen = this.#paused === view.first ? mostChanged(difference.data) : this.#paused;
    const place = this.#hovered ?? Math.min(chosen ?? Infinity, text.length - 1);
    const [symbols, pairs] = [part(best, place).data, part(probabilities, place).data];
    const most = Math.max(...pairs);
    const characters = Array.from(alphabet);
    find(this.root, ".mc-title").textContent = titleAt(text, place);
    find(this.root, ".mc-pairs").replaceChildren(
      ...Array.from(symbols, (symbol, index) => pair(characters[symbol], pairs[2 * index], pairs[2 * index + 1], most)),
    );
    const next = text[place + 1];
    const [before, after] = [0, 1].map((run) => part(surprise, run).data[place + 1]?.toFixed(2));
    const came = ` What came, “${nameOf(next)}”, was a surprise of ${before} bits, edited ${after}.`;
    find(this.root, ".mc-readout").textContent =
      `The edited prediction differs by ${difference.data[place].toFixed(3)} bits.${next === undefined ? "" : came}`;
  }

  /** @param {ComparisonView} view */
  #drawWriting({ continuations }) {
    find(this.root, ".mc-writing").hidden = continuations.length < 2;
    find(this.root, ".mc-unedited").textContent = continuations[0] ?? "";
    find(this.root, ".mc-edited").textContent = continuations[1] ?? "";
  }

  /** @param {Shown} shown */
  #drawChart({ view, difference, distance }) {
    const from = Math.min(view.first, view.text.length - 1);
    /** @param {NumericArray} values */
    const points = ({ data }) => Array.from(data.subarray(from), (value, index) => [index, value]);
    this.chart.show({
      series: [
        { name: "prediction, bits", color: "prediction", points: points(difference) },
        { name: "memory, share of its length", color: "memory", dash: "6 4", points: points(distance) },
      ],
      x: "characters after the edit",
      y: "difference",
      low: 0,
    });
  }

  /** @param {Shown} shown */
  #drawMemories({ view, states }) {
    const { memories, limit } = view;
    const rows = memories.map((_, index) => part(states, index).data);
    /** @param {number} unit */
    const read = (unit) => {
      const numbers = memories.map((name, index) => `${name} ${fixed(rows[index][unit], 3)}`);
      find(this.root, ".mc-unit").textContent = `Unit ${unit}: ${numbers.join(", ")}`;
    };
    const figures = memories.map((name, index) => {
      const canvas = element("canvas");
      paintUnits(canvas, rows[index], (value) => diverging(value / limit));
      canvas.addEventListener("pointermove", (event) => read(unitAt(canvas, event, rows[index].length)));
      onUnits(canvas, () => rows[index].length, read);
      return element(
        "figure",
        {},
        canvas,
        element("figcaption", {}, `${name} (−${limit.toFixed(2)} to ${limit.toFixed(2)})`),
      );
    });
    find(this.root, ".mc-memories").replaceChildren(...figures);
    find(this.root, ".mc-unit").textContent = figures.length ? "Point at a unit to read its value." : "No edit yet.";
  }
}

/** A character's probability in both runs. @param {string} token @param {number} unedited @param {number} edited @param {number} most */
function pair(token, unedited, edited, most) {
  /** @param {number} share @param {string} name */
  const bar = (share, name) => element("i", { class: name, style: { width: `${(100 * share) / most}%` } });
  return element(
    "div",
    { class: "mc-pair", title: `difference ${fixed(100 * (edited - unedited), 1)} percentage points` },
    element("b", {}, nameOf(token)),
    element("div", { class: "mc-bars" }, bar(unedited, "mc-solid"), bar(edited, "mc-dashed")),
    element("span", {}, `${percent(unedited)} → ${percent(edited)}`),
  );
}
