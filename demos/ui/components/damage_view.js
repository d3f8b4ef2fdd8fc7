// One damaged picture, the answers of two networks to it, where each looked, and both curves over the strength.
//
// Tells `strength` { strength } when the slider rests, and `painted` { mask } after a stroke ("" when it was cleared).

import { image, load } from "../core/arrays.js";
import { contextOf, paintScale } from "../core/canvas.js";
import { LineChart } from "../core/chart.js";
import { element, find } from "../core/dom.js";
import { onArrows } from "../core/keys.js";
import { sequential } from "../core/ramps.js";
import { share } from "../core/shared.js";
import { Painting } from "../pieces/painting.js";

/** @typedef {import("../types.js").DamageView} View */
/** @typedef {import("../types.js").DamagePoint} DamagePoint */
/** @typedef {{ picture: HTMLImageElement, vit: import("../core/arrays.js").Numbers, cnn: import("../core/arrays.js").Numbers }} Drawn  what a point needs to be drawn */

const [SCALE, CELLS, KEY_STEP] = [448, 56, 2];
const LEVEL = /^(\d|10)$/;
/** @type {["vit" | "cnn", string, string, string][]} */
const NETWORKS = [
  ["vit", "ViT", "query", ""],
  ["cnn", "CNN", "key", "7 4"],
];

export const template = `
<div class="damage-view" data-state="empty">
  <p class="gb-empty">Choose an example, upload a picture or take one with the webcam: it is damaged more and more, and both networks answer.</p>
  <div class="full">
    <div class="slide">
      <label>strength <input class="strength" type="range" min="0" max="10" step="1" value="5" aria-label="strength of the damage"></label>
      <output class="unit" aria-live="polite"></output>
    </div>
    <div class="pictures">
      <figure>
        <figcaption>What both are given</figcaption>
        <canvas class="picture" width="448" height="448" role="img" aria-label="the damaged picture"></canvas>
        <div class="paint-tools" hidden>
          <label>brush <input class="brush" type="range" min="1" max="10" value="4" aria-label="size of the brush"></label>
          <button class="clear" type="button">Clear</button>
        </div>
      </figure>
      <figure>
        <figcaption>ViT: <span class="map-title"></span> from CLS</figcaption>
        <canvas class="map-vit" width="448" height="448" role="img" aria-label="where the ViT's answer took its information from"></canvas>
      </figure>
      <figure>
        <figcaption>CNN: Grad-CAM of <span class="tracked"></span></figcaption>
        <canvas class="map-cnn" width="448" height="448" role="img" aria-label="which places speak for the category in the CNN"></canvas>
      </figure>
    </div>
    <div class="gb-scale"><span>0</span> <canvas class="gb-ramp ramp"></canvas> <span>98th percentile</span> of each map and more; colour grows with the square root</div>
    <div class="answers">
      <section class="answer-vit"><h3>ViT</h3><div class="lists"></div></section>
      <section class="answer-cnn"><h3>CNN</h3><div class="lists"></div></section>
    </div>
    <h3 class="curve-title"></h3>
    <div class="dv-legend"></div>
    <div class="dv-frame"></div>
    <p class="gb-caption note"></p>
  </div>
</div>`;

export default class DamageView {
  /** @type {View | null} */ #shown = null;
  /** @type {Promise<Drawn>[]} one a point */ #drawn = [];
  #touched = false; // by the visitor: the strength stays
  #told = false; // something was painted here: what a late view says was painted is older

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit, look }) {
    this.root = root;
    this.emit = emit;
    this.look = look;
    this.lines = new LineChart(find(root, ".dv-frame"), find(root, ".dv-legend"));
    this.slider = /** @type {HTMLInputElement} */ (find(root, ".strength"));
    this.brush = /** @type {HTMLInputElement} */ (find(root, ".brush"));
    this.canvas = /** @type {HTMLCanvasElement} */ (find(root, ".picture"));
    this.painting = new Painting(CELLS);
    paintScale(find(root, ".ramp"), sequential);
    this.slider.addEventListener("input", () => {
      this.#touched = true;
      this.#draw();
    });
    this.slider.addEventListener("change", () => look.set("strength", this.#level));
    find(root, ".clear").addEventListener("click", () => {
      this.painting.clear();
      this.#tell("");
    });
    this.#listenToStrokes();
  }

  /** @param {View | null} value */
  show(value) {
    const panel = find(this.root, ".damage-view");
    const points = value?.points.length ?? 0;
    panel.dataset.state = !value || !points ? "empty" : points < value.total ? "running" : "full";
    if (!value || !points) {
      this.#shown = null;
      return;
    }
    if (this.#shown?.run !== value.run) this.#drawn = [];
    this.#shown = value;
    this.#drawn.push(...value.points.slice(this.#drawn.length).map(fetched));
    this.#describe(value);
    if (value.paint && !this.#told) this.painting.unpack(value.painted);
    if (value.first !== null) this.#begin(value.first);
    this.#draw();
  }

  /** At the strength that a link says, else at the one worth seeing first. @param {number} first */
  #begin(first) {
    const said = this.look.take("strength");
    if (said !== null && LEVEL.test(said)) {
      this.#touched = true;
      this.slider.value = said;
      this.look.set("strength", this.#level);
    }
    if (!this.#touched) this.slider.value = String(first);
  }

  /** @param {View} value */
  #describe({ paint, map, category, note }) {
    this.canvas.classList.toggle("paint", paint);
    find(this.root, ".paint-tools").hidden = !paint;
    if (paint) this.canvas.tabIndex = 0;
    else this.canvas.removeAttribute("tabindex");
    const label = paint ? "the picture to paint on; arrow keys move, space covers" : "the damaged picture";
    this.canvas.setAttribute("aria-label", label);
    find(this.root, ".map-title").textContent = map;
    find(this.root, ".tracked").textContent = category;
    find(this.root, ".curve-title").textContent = `How sure each is of “${category}”`;
    find(this.root, ".note").textContent = note;
  }

  get #level() {
    return Math.min(Number(this.slider.value), (this.#shown?.points.length ?? 1) - 1);
  }

  get #point() {
    return this.#shown?.points[this.#level];
  }

  #draw() {
    const [value, point] = [this.#shown, this.#point];
    if (!value || !point) return;
    find(this.root, ".damage-view").dataset.strength = String(point.strength);
    share("strength", point.strength);
    const title = `at strength ${point.strength.toFixed(1)}`;
    find(this.root, ".unit").textContent = `${point.strength.toFixed(1)}: ${point.strength ? point.unit : "undamaged"}`;
    for (const [name] of NETWORKS) {
      const lists = [
        list("undamaged", value.points[0][name].top, value.category),
        list(title, point[name].top, value.category),
      ];
      find(this.root, `.answer-${name} .lists`).replaceChildren(...lists);
    }
    const series = NETWORKS.map(([name, title, color, dash]) => {
      return { name: title, color, dash, points: value.points.map((at) => [at.strength, at[name].p]) };
    });
    const axes = { x: "strength", y: "probability", low: 0, high: 1, dots: true, format: percent };
    this.lines.show({ ...axes, marks: [[point.strength, "shown"]], series });
    this.#drawPictures();
  }

  async #drawPictures() {
    const [point, level] = [this.#point, this.#level];
    const drawn = await this.#drawn[level];
    if (!point || !drawn || point !== this.#point) return;
    const context = contextOf(this.canvas);
    context.drawImage(drawn.picture, 0, 0, SCALE, SCALE);
    if (this.#shown?.paint) this.#drawPaint(context);
    for (const [name] of NETWORKS)
      drawMap(find(this.root, `.map-${name}`), drawn.picture, point[name].side, drawn[name]);
  }

  /** @param {CanvasRenderingContext2D} context */
  #drawPaint(context) {
    const cell = SCALE / CELLS;
    if (this.painting.painting) {
      context.fillStyle = "rgb(128,128,128)";
      this.painting.mask.forEach((on, place) => {
        if (on) context.fillRect((place % CELLS) * cell, Math.floor(place / CELLS) * cell, cell, cell);
      });
    }
    if (!this.canvas.matches(":focus-visible")) return;
    const size = Number(this.brush.value) * 2 * cell;
    const [x, y] = this.painting.cursor;
    [context.lineWidth, context.strokeStyle] = [3, "#93c5fd"];
    context.strokeRect(x * cell - size / 2, y * cell - size / 2, size, size);
  }

  #listenToStrokes() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.#shown?.paint) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      this.#cover(event);
    });
    canvas.addEventListener("pointermove", (event) => this.painting.painting && this.#cover(event));
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => this.painting.painting && this.#send());
    onArrows(canvas, (across, down) => {
      if (!this.#shown?.paint || !Number.isFinite(across)) return;
      this.painting.moveCursor(KEY_STEP * across, KEY_STEP * down);
      this.#drawPictures();
    });
    canvas.addEventListener("keydown", (event) => {
      if (!this.#shown?.paint || event.key !== " ") return;
      event.preventDefault();
      this.painting.dab(this.painting.cursor, Number(this.brush.value));
      this.#send();
    });
    for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => this.#drawPictures());
  }

  /** @param {PointerEvent} event */
  #cover(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    this.painting.strokeTo([x * CELLS, y * CELLS], Number(this.brush.value));
    this.#showDamage();
    this.#drawPictures();
  }

  #send() {
    this.painting.end();
    this.#showDamage();
    this.#tell(this.painting.packed());
  }

  /** @param {string} mask */
  #tell(mask) {
    this.#told = true;
    share("painted", mask);
    this.emit.painted({ mask });
  }

  #showDamage() {
    if (this.#level === 0) this.slider.value = this.slider.max;
  }
}

/** @param {DamagePoint} point @returns {Promise<Drawn>} */
async function fetched(point) {
  const [picture, vit, cnn] = await Promise.all([image(point.image), load(point.vit.map), load(point.cnn.map)]);
  return { picture, vit: vit.data, cnn: cnn.data };
}

/** @param {number} share */
const percent = (share) => `${share < 0.01 ? (100 * share).toFixed(2) : (100 * share).toPrecision(3)} %`;

/** @param {string} title @param {[string, number][]} top @param {string} followed */
function list(title, top, followed) {
  const rows = top.map(([label, probability]) =>
    element(
      "div",
      { class: label === followed ? "row is-tracked" : "row" },
      element("span", { class: "name", title: label }, label),
      element("span", { class: "number" }, percent(probability)),
      element(
        "span",
        { class: "gb-track" },
        element("span", { class: "gb-fill", style: { width: `${100 * probability}%` } }),
      ),
    ),
  );
  return element("div", { class: "list" }, element("b", {}, title), ...rows);
}

/** @param {HTMLCanvasElement} canvas @param {HTMLImageElement} picture @param {number} side @param {ArrayLike<number>} map */
function drawMap(canvas, picture, side, map) {
  const [context, cell] = [contextOf(canvas), SCALE / side];
  context.drawImage(picture, 0, 0, SCALE, SCALE);
  for (let place = 0; place < map.length; place++) {
    const share = Math.sqrt(map[place] / 255);
    const [red, green, blue] = sequential(share);
    context.fillStyle = `rgba(${red},${green},${blue},${0.25 + 0.5 * share})`;
    context.fillRect((place % side) * cell, Math.floor(place / side) * cell, cell, cell);
  }
}
