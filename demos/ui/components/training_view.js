// A training as it runs: samples from the same noise again and again, loss, gradient norm, and the pictures learned.

import { find } from "../core/dom.js";
import { clamp } from "../core/keys.js";
import { Sheets, tile } from "../pieces/sheets.js";
import { drawCurve } from "../pieces/small_curve.js";

/** @typedef {import("../types.js").SpriteTrainingView} Training */
/** @typedef {import("../types.js").SamplesView} Samples */

export const template = `
<div class="training-view" data-state="empty">
  <p class="gb-empty">Press Train: samples from one fixed noise appear here every few seconds.</p>
  <div class="full">
    <figure class="samples">
      <div class="tiles now"></div>
      <div class="tiles near"></div>
      <p class="progress gb-note" aria-live="polite"></p>
      <figcaption class="gb-caption"><b>samples</b> from the same noise, <output class="when"></output>. Under each the
        nearest picture it was given, and how far it is on average (0 to 255).</figcaption>
    </figure>
    <div class="controls">
      <button class="back" type="button" aria-label="earlier samples">◀</button>
      <input class="history" type="range" min="1" step="1" value="1" aria-label="samples over time">
      <button class="forward" type="button" aria-label="later samples">▶</button>
    </div>
    <div class="plots">
      <figure><svg class="loss" role="img"></svg>
        <figcaption class="gb-caption">loss <b class="last-loss"></b>, averaged, logarithmic</figcaption></figure>
      <figure><svg class="norm" role="img"></svg>
        <figcaption class="gb-caption">gradient norm <b class="last-norm"></b>, logarithmic</figcaption></figure>
    </div>
    <figure class="learned">
      <div class="tiles data"></div>
      <figcaption class="gb-caption"><b>the pictures it learns</b> <span class="about"></span></figcaption>
    </figure>
  </div>
</div>`;

const HEIGHT = 96;

export default class SpriteTrainingView {
  sheets = new Sheets();
  /** @type {Samples[]} */ #samples = [];
  #run = "";
  #current = 0;
  #newest = 0;
  #follow = true; // show the newest samples while they arrive

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props }) {
    this.view = find(root, ".training-view");
    this.count = props.count;
    const history = this.#part(".history");
    history.addEventListener("input", () => this.#jump(Number(history.value) - 1));
    this.#part(".back").addEventListener("click", () => this.#jump(this.#current - 1));
    this.#part(".forward").addEventListener("click", () => this.#jump(this.#current + 1));
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.view, selector);
  }

  /** @param {Training | null} value */
  async show(value) {
    const number = ++this.#newest;
    this.view.dataset.state = value ? "full" : "empty";
    if (!value) return;
    const { learned, samples, losses, norms } = value;
    this.#begin(value.run);
    this.#curve("loss", losses, "memory");
    this.#curve("norm", norms, "key");
    this.#part(".about").textContent = learned.about;
    await this.sheets.load([learned.sheet, ...samples.flatMap(({ sheet, nearest }) => [sheet, nearest])]);
    if (number !== this.#newest) return;
    this.#tiles(".data", learned.sheet, learned.shown);
    this.#samples = samples;
    this.#part(".history").max = samples.length;
    if (this.#follow) this.#current = samples.length - 1;
    this.#show();
  }

  /** @param {string} run */
  #begin(run) {
    if (run === this.#run) return;
    this.#run = run;
    this.#follow = true;
    this.sheets.forget();
  }

  #show() {
    const sample = this.#samples[this.#current];
    if (!sample) return;
    this.#tiles(".now", sample.sheet, this.count);
    this.#tiles(".near", sample.nearest, this.count);
    [...this.#part(".near").children].forEach((node, place) => {
      node.append(String(sample.distances[place]));
    });
    this.#part(".progress").textContent = sample.progress;
    this.#part(".history").value = this.#current + 1;
    this.#part(".when").textContent = `after ${sample.step.toLocaleString("en")} steps, ${sample.seconds.toFixed(0)} s`;
  }

  /** @param {number} place */
  #jump(place) {
    this.#current = clamp(place, 0, this.#samples.length - 1);
    this.#follow = this.#current === this.#samples.length - 1;
    this.#show();
  }

  /** @param {string} holder @param {string} sheet @param {number} count */
  #tiles(holder, sheet, count) {
    const url = this.sheets.known(sheet) ?? "";
    this.#part(holder).replaceChildren(...Array.from({ length: count }, (_, index) => tile(url, index, count)));
  }

  /** @param {string} name @param {[number, number][]} points @param {string} color */
  #curve(name, points, color) {
    const last = points[points.length - 1];
    this.#part(`.last-${name}`).textContent = last ? last[1].toPrecision(3) : "";
    const ends = /** @type {[string, string]} */ (["step 0", last ? last[0].toLocaleString("en") : ""]);
    drawCurve(this.#part(`svg.${name}`), name, points, { color, height: HEIGHT, log: true, ends });
  }
}
