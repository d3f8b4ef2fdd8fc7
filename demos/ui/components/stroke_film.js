// Drawings in one stroke: the noisy points, the predicted stroke, and both coordinates as signals along the way.

import { load, part } from "../core/arrays.js";
import { element, find, svg } from "../core/dom.js";
import { clamp, onCells } from "../core/keys.js";
import { FilmControls, filmControls } from "../pieces/film_controls.js";

/** @typedef {import("../types.js").StrokesView} Strokes */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

const EDGE = 1.35; // of a picture, a little outside of all drawings
const NOISE_EDGE = 2.6; // of the signals: of 100 points of pure noise, 99 lie within

export const template = `
<div class="gb-panel stroke-film" data-state="empty">
  <p class="gb-empty">Choose what to draw and press Draw.</p>
  <div class="full">
    <p class="gb-said"></p>
    <div class="sf-rows">
      <p class="sf-name">x<sub>t</sub>, what it sees</p><div class="sf-row sf-seen"></div>
      <p class="sf-name sf-predicted">predicted x<sub>0</sub></p><div class="sf-row sf-said"></div>
    </div>
    ${filmControls}
    <figure class="sf-signals">
      <div class="sf-both"></div>
      <figcaption class="gb-caption" aria-live="polite"></figcaption>
    </figure>
  </div>
</div>`;

export default class StrokeFilm {
  /** @type {Strokes | null} */ #view = null;
  /** @type {NumericArray | null} */ #seen = null;
  /** @type {NumericArray | null} */ #predicted = null;
  #chosen = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, look }) {
    this.root = find(root, ".stroke-film");
    this.look = look;
    this.controls = new FilmControls(
      find(root, ".gb-film-controls"),
      () => this.#film(),
      () => this.#draw(),
    );
    const rows = find(root, ".sf-rows");
    onCells(rows, {
      name: "The drawings: arrow keys choose one",
      size: () => [1, this.#seen?.shape[1] ?? 0],
      over: (_, drawing) => this.#choose(drawing),
    });
    rows.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const cell = event.target instanceof Element ? event.target.closest("[data-drawing]") : null;
      if (cell) this.#choose(Number(cell.getAttribute("data-drawing")));
    });
  }

  #film() {
    const length = this.#view ? this.#view.times.length + 1 : 0;
    return { length, newest: length - 1, total: length };
  }

  /** @param {Strokes | null} value */
  async show(value) {
    this.root.dataset.state = value ? "full" : "empty";
    if (!value) return this.controls.stop();
    const [seen, predicted] = await Promise.all([load(value.x_t), load(value.x_0)]);
    const first = !this.#view;
    [this.#view, this.#seen, this.#predicted] = [value, seen, predicted];
    this.#chosen = clamp(Number(this.look.take("drawing") ?? 1) - 1 || 0, 0, seen.shape[1] - 1);
    find(this.root, ".gb-said").textContent = value.said;
    this.controls.begin();
    if (first) this.controls.jump(value.first);
    else this.controls.start();
  }

  /** @param {number} drawing */
  #choose(drawing) {
    this.#chosen = drawing;
    this.look.set("drawing", drawing + 1);
    this.#draw();
  }

  #draw() {
    const [view, seen, predicted] = [this.#view, this.#seen, this.#predicted];
    if (!view || !seen || !predicted) return;
    const at = this.controls.current;
    const step = Math.min(at, view.times.length - 1); // behind the last step stands what it predicted
    const each = (/** @type {NumericArray} */ film, /** @type {number} */ place, /** @type {string} */ kind) =>
      Array.from({ length: seen.shape[1] }, (_, drawing) =>
        picture(part(film, place, drawing).data, kind, drawing, drawing === this.#chosen, view.name),
      );
    find(this.root, ".sf-seen").replaceChildren(...each(seen, at, "noise"));
    find(this.root, ".sf-said").replaceChildren(...each(predicted, step, "prediction"));
    this.controls.say(
      at < view.times.length ? `step ${at + 1} of ${view.times.length}, t = ${view.times[at]}` : "finished",
    );
    const strokes = [part(seen, at, this.#chosen).data, part(predicted, step, this.#chosen).data];
    find(this.root, ".sf-both").replaceChildren(signals(strokes, 0, "x"), signals(strokes, 1, "y"));
    find(this.root, ".sf-signals figcaption").textContent =
      `Drawing ${this.#chosen + 1} as the network has it: ${seen.shape[2]} points on the way of the pen, two numbers each. Grey: what it sees; in colour: what it predicts.`;
  }
}

/** Points as a path. @param {ArrayLike<number>} points x and y by turns */
export function pathOf(points) {
  const pairs = Array.from({ length: points.length / 2 }, (_, k) => [points[2 * k], points[2 * k + 1]]);
  return `M${pairs.map((pair) => pair.map((one) => one.toFixed(3)).join(" ")).join("L")}`;
}

/** @param {ArrayLike<number>} points @param {string} kind @param {number} drawing @param {boolean} chosen @param {string} name */
function picture(points, kind, drawing, chosen, name) {
  return svg(
    "svg",
    {
      viewBox: `${-EDGE} ${-EDGE} ${2 * EDGE} ${2 * EDGE}`,
      class: `sf-picture sf-${kind}${chosen ? " sf-chosen" : ""}`,
      role: "img",
      "aria-label": `${kind === "noise" ? "noisy" : "predicted"} stroke ${drawing + 1}, ${name}`,
      "data-drawing": String(drawing),
    },
    svg("path", { d: pathOf(points) }),
    svg("circle", { cx: points[0], cy: points[1], r: 0.06 }),
  );
}

/** One coordinate along the way of the pen. @param {ArrayLike<number>[]} strokes @param {number} axis @param {string} name */
function signals(strokes, axis, name) {
  const count = strokes[0].length / 2;
  const lines = strokes.map((points, kind) => {
    const along = Array.from({ length: count }, (_, k) => [
      (2 * k) / (count - 1) - 1,
      points[2 * k + axis] / NOISE_EDGE,
    ]);
    return svg("path", { d: pathOf(along.flat()), class: kind ? "sf-prediction" : "sf-noise" });
  });
  const zero = svg("path", { d: "M-1 0L1 0", class: "sf-zero" });
  const drawn = svg(
    "svg",
    { viewBox: "-1 -1 2 2", preserveAspectRatio: "none", "aria-hidden": "true" },
    zero,
    ...lines,
  );
  return element("div", { class: "sf-signal" }, element("b", {}, name), drawn);
}
