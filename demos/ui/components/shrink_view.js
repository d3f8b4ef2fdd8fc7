// An object made smaller in its picture: a slider over the sizes, what each network finds at each, where its query looked.

import { address, load } from "../core/arrays.js";
import { fit, strokeBox } from "../core/canvas.js";
import { chip, element, find, keepFocus } from "../core/dom.js";
import { percent } from "../core/format.js";
import { clamp } from "../core/keys.js";
import { role, sequential } from "../core/ramps.js";
import { paintBoxes } from "../pieces/boxes.js";

/** @typedef {import("../types.js").ShrinkView} Shrunk */
/** @typedef {import("../types.js").ShrunkAnswer} Answer */
/** @typedef {{ answer: Answer, points: ArrayLike<number> | null, dense: import("../core/arrays.js").NumericArray | null }} Drawn */

export const template = `
<div class="sh gb-panel" data-state="empty">
  <p class="gb-empty">Upload a picture or take an example: its surest object is made smaller.</p>
  <div class="sh-body">
    <div class="gb-chips sh-objects" role="group" aria-label="which object"></div>
    <label class="sh-size">size of the object <output></output><input type="range" min="0" step="1"></label>
    <div class="sh-pictures"></div>
    <p class="gb-caption sh-said" aria-live="polite"></p>
  </div>
</div>`;

export default class ShrinkView {
  /** @type {Shrunk | null} */ #shown = null;
  #step = 0;
  #drawing = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit, look }) {
    this.root = root;
    this.emit = emit;
    this.look = look;
    this.slider = find(root, ".sh-size input");
    this.slider.addEventListener("input", () => {
      this.#step = Number(this.slider.value);
      this.look.set("size", this.#step || null);
      this.#draw();
    });
    new ResizeObserver(() => this.#draw()).observe(find(root, ".sh"));
    new MutationObserver(() => this.#draw()).observe(document.body, { attributeFilter: ["class"] });
  }

  /** @param {Shrunk | null} value */
  show(value) {
    this.#shown = value;
    find(this.root, ".sh").dataset.state = value ? "full" : "empty";
    if (!value) return;
    const said = Number(this.look.take("size") ?? this.#step);
    this.#step = Number.isInteger(said) && said >= 0 ? said : 0;
    const chips = value.found.map(({ label, score }, index) =>
      chip(`${label} ${score.toFixed(2)}`, index === value.chosen, () => this.emit.pick({ object: index })),
    );
    keepFocus(this.root, () => find(this.root, ".sh-objects").replaceChildren(...chips));
    this.slider.max = String(value.steps.length - 1);
    return this.#draw();
  }

  async #draw() {
    const value = this.#shown;
    if (!value?.steps.length || !find(this.root, ".sh").clientWidth) return;
    const drawing = ++this.#drawing;
    const index = clamp(this.#step, 0, value.steps.length - 1);
    const step = value.steps[index];
    const drawn = await Promise.all(step.answers.map(arraysOf));
    if (drawing !== this.#drawing) return;
    this.slider.value = String(index);
    const size = percent(step.scale);
    this.slider.setAttribute("aria-valuetext", size);
    find(this.root, ".sh-size output").textContent = size;
    find(this.root, ".sh").dataset.size = String(index);
    const figures = drawn.map((one) => figureOf(step.picture, step.box, one));
    find(this.root, ".sh-pictures").replaceChildren(...figures);
    find(this.root, ".sh-said").textContent = step.answers.map(sentence).join(" ");
  }
}

/** @param {Answer} answer @returns {Promise<Drawn>} */
async function arraysOf(answer) {
  const [points, dense] = await Promise.all([answer.points && load(answer.points), answer.dense && load(answer.dense)]);
  return { answer, points: points?.data ?? null, dense: dense || null };
}

/** @param {string} picture @param {number[]} where the object is @param {Drawn} drawn */
function figureOf(picture, where, { answer, points, dense }) {
  const canvas = element("canvas", { role: "img", "aria-label": sentence(answer) });
  const image = element("img", { src: address(picture), alt: "" });
  const paint = () => {
    const [width, height] = [image.clientWidth, image.clientHeight];
    if (!width || !height) return;
    const context = fit(canvas, width, height);
    if (dense) paintDense(context, dense, width, height);
    strokeBox(context, where, width, height, { color: role("input"), dash: [5, 4] });
    if (answer.box) paintBoxes(context, [{ box: answer.box, label: answer.name, score: answer.score }], width, height);
    if (points) paintPoints(context, points, width, height);
  };
  image.addEventListener("load", paint);
  new ResizeObserver(paint).observe(image);
  const looks = dense
    ? "shaded: how much its query takes from each cell, last layer, mean of the heads"
    : "dots: where its query reads in the last layer, larger where it takes more";
  const caption = element("figcaption", { class: "gb-caption" }, `${answer.network}; dashed: the object; ${looks}`);
  return element("figure", {}, element("div", { class: "sh-picture" }, image, canvas), caption);
}

/** @param {CanvasRenderingContext2D} context @param {ArrayLike<number>} points x, y, weight of each @param {number} width @param {number} height */
function paintPoints(context, points, width, height) {
  const weights = Array.from({ length: points.length / 3 }, (_, index) => points[3 * index + 2]);
  const most = Math.max(1e-9, ...weights);
  weights.forEach((weight, index) => {
    context.beginPath();
    context.arc(points[3 * index] * width, points[3 * index + 1] * height, 1.5 + (4 * weight) / most, 0, 2 * Math.PI);
    context.fillStyle = role("query");
    context.fill();
    context.strokeStyle = role("paper");
    context.stroke();
  });
}

/** @param {CanvasRenderingContext2D} context @param {import("../core/arrays.js").NumericArray} dense @param {number} width @param {number} height */
function paintDense(context, { data, shape: [rows, columns] }, width, height) {
  const most = Math.max(1e-9, ...data);
  for (let cell = 0; cell < rows * columns; cell++) {
    const part = Math.sqrt(data[cell] / most);
    context.fillStyle = `rgba(${[...sequential(part), 0.15 + 0.6 * part].join()})`;
    const [x, y] = [(cell % columns) / columns, Math.floor(cell / columns) / rows];
    context.fillRect(x * width, y * height, width / columns + 0.5, height / rows + 0.5);
  }
}

/** @param {Answer} answer */
function sentence({ network, name, score, box, patches }) {
  if (!name) return `${network} knows nothing like it.`;
  const size = `${patches.toFixed(1)} patches a side`;
  return box ? `${network}: ${name} ${score.toFixed(2)} at ${size}.` : `${network}: nothing on the object at ${size}.`;
}
