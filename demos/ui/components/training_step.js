// One training step in four parts: a clean picture, time and noise, the prediction, the loss; any pixel's numbers.

import { equation } from "../core/arithmetic.js";
import { load } from "../core/arrays.js";
import { contextOf, paintCells } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { clamp, onArrows } from "../core/keys.js";
import { sequential } from "../core/ramps.js";

/** @typedef {import("../types.js").ExampleView} Example */
/** @typedef {"x_0" | "epsilon" | "x_t" | "said" | "target" | "x_0_predicted"} Name */
/** @type {Name[]} */ const NAMES = ["x_0", "epsilon", "x_t", "said", "target", "x_0_predicted"];

const BACKGROUND = [74, 82, 96];
const MARK = "rgba(255, 60, 220, 0.85)";
/** What white and black stand for in the pictures that are no sprites. @type {Record<string, number>} */
const RANGES = { x_t: 1, epsilon: 3, said: 2, target: 2 };
const NOISE_RANGE = 3;

/** @param {string} name @param {string} about @param {string} caption */
const picture = (name, about, caption) =>
  `<figure><canvas data-name="${name}" tabindex="0" role="img" aria-label="${about}"></canvas><figcaption>${caption}</figcaption></figure>`;

export const template = `
<div class="training-step" data-state="empty">
  <p class="gb-empty">One training step, taken apart, appears here in a moment.</p>
  <p class="gb-said full"></p>
  <ol class="full">
    <li>
      <h3>Take a clean picture</h3>
      <div class="tiles">${picture("x_0", "the clean picture x0", "<b>x<sub>0</sub></b>")}</div>
      <p class="words size"></p>
    </li>
    <li>
      <h3>Draw a time and noise</h3>
      <div class="tiles">
        ${picture("epsilon", "the noise drawn", "<b>ε</b> noise drawn")}
        ${picture("x_t", "the noisy picture x_t", '<b>x<sub>t</sub></b>, t = <span class="t"></span>')}
      </div>
      <p class="words sum"></p>
    </li>
    <li>
      <h3>Let the network predict</h3>
      <div class="tiles">
        ${picture("said", "what the network says", '<b><span class="what">v</span>̂</b> it says')}
        ${picture("target", "what it should say", '<b class="what">v</b> it should say')}
        ${picture("x_0_predicted", "the clean picture its answer means", "<b>x̂<sub>0</sub></b> it means")}
      </div>
      <p class="words">It sees only x<sub>t</sub> and t, and says <span class="asked"></span></p>
    </li>
    <li>
      <h3>Measure the loss, move the weights</h3>
      <div class="tiles">${picture("error", "squared error at every pixel", '(<span class="what">v</span>̂ − <span class="what">v</span>)² from 0 to <span class="top"></span>')}</div>
      <p class="words">mean: loss <b class="loss"></b>, gradient norm <b class="gradient"></b>. <b class="after"></b></p>
    </li>
  </ol>
  <p class="pixel full" aria-live="polite">Point at a pixel, or walk with the arrow keys, to read its numbers in every picture.</p>
</div>`;

/**
 * What one number of the noisy picture, and what the network should say there, are made of.
 * @param {{ signal: number, noise_share: number, predicts: string }} example @param {Record<string, number>} at its value in every picture
 */
export function sentenceOf({ signal, noise_share: noise, predicts }, { x_0, epsilon, said }) {
  const [by, and] = [fixed(signal, 3), fixed(noise, 3)];
  const [clean, drawn] = [x_0, epsilon].map((value) => (value < 0 ? `(${fixed(value, 2)})` : fixed(value, 2)));
  const [noisy, target] = [signal * x_0 + noise * epsilon, signal * epsilon - noise * x_0];
  const write = (/** @type {number} */ value) => fixed(value, 2);
  const should =
    predicts === "epsilon"
      ? `the noise is ${write(epsilon)}`
      : `v should be ${equation(`${by} × ${drawn} − ${and} × ${clean}`, target, write)}`;
  return `x₀ ${write(x_0)}; xₜ = ${equation(`${by} × ${clean} + ${and} × ${drawn}`, noisy, write)}; ${should}, the network says ${write(said)}`;
}

/** @param {number} value */
const unit = (value) => clamp((value + 1) / 2, 0, 1);

export default class TrainingStep {
  /** @type {Example | null} */ #example = null;
  /** @type {Record<string, import("../core/arrays.js").Numbers>} */ #values = {};
  #top = 0; // largest squared error
  /** @type {number | null} */ #pixel = null;
  #newest = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.view = find(root, ".training-step");
    this.canvases = /** @type {HTMLCanvasElement[]} */ ([...this.view.querySelectorAll("canvas")]);
    for (const canvas of this.canvases) this.#listen(canvas);
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.view, selector);
  }

  /** @param {Example | null} value */
  async show(value) {
    const number = ++this.#newest;
    if (!value) return this.#forget();
    const arrays = await Promise.all(NAMES.map((name) => load(value[name])));
    if (number !== this.#newest) return;
    this.#example = value;
    this.#values = Object.fromEntries(NAMES.map((name, place) => [name, arrays[place].data]));
    const cells = value.size ** 2;
    this.#top = Math.max(1e-6, ...Array.from({ length: cells }, (_, place) => this.#error(place)));
    if (this.#pixel !== null && this.#pixel >= cells) this.#pixel = null;
    this.view.dataset.state = "full";
    this.#write(value);
    this.#draw();
  }

  #forget() {
    this.#example = null;
    this.view.dataset.state = "empty";
  }

  /** @param {Example} example */
  #write(example) {
    const short = (/** @type {number} */ value) => value.toPrecision(3);
    const ofNoise = example.predicts === "epsilon";
    const numbers = (4 * example.size ** 2).toLocaleString("en");
    const texts = {
      size: `${example.size} × ${example.size} pixels of red, green, blue and opacity: ${numbers} numbers from −1 to 1.`,
      t: String(example.t),
      asked: ofNoise
        ? "the noise; the picture is what is left."
        : "v, a mixture of noise and picture from which both follow.",
      sum: `xₜ = ${example.signal.toFixed(3)} × x₀ + ${example.noise_share.toFixed(3)} × ε: no learning so far.`,
      top: short(this.#top),
      loss: short(example.loss),
      gradient: short(example.gradient_norm),
      "gb-said":
        `From xₜ at t = ${example.t}, ${Math.round(100 * example.noise_share ** 2)} % of it noise, the network says ${ofNoise ? "the noise" : "v"} with a mean ` +
        `squared error of ${short(example.loss)}; one step of the optimiser makes it ${short(example.loss_after)}.`,
      after: `The same picture, time and noise after one step of the optimiser: ${short(example.loss_after)}.`,
    };
    for (const [name, text] of Object.entries(texts)) this.#part(`.${name}`).textContent = text;
    for (const node of this.view.querySelectorAll(".what")) node.textContent = ofNoise ? "ε" : "v";
  }

  /** @param {string} name @param {number} channel @param {number} place */
  #at(name, channel, place) {
    return this.#values[name][channel * (this.#example?.size ?? 0) ** 2 + place];
  }

  /** Mean over the four channels. @param {number} place */
  #error(place) {
    const squares = [0, 1, 2, 3].map(
      (channel) => (this.#at("said", channel, place) - this.#at("target", channel, place)) ** 2,
    );
    return squares.reduce((sum, square) => sum + square) / 4;
  }

  /** @param {string} name @param {number} place @returns {number[]} red, green, blue */
  #color(name, place) {
    if (name === "error") return sequential(this.#error(place) / this.#top);
    const ofNoise = this.#example?.predicts === "epsilon" && (name === "said" || name === "target");
    const range = ofNoise ? NOISE_RANGE : RANGES[name];
    if (range) return [0, 1, 2].map((channel) => 255 * unit(this.#at(name, channel, place) / range));
    const clear = 1 - unit(this.#at(name, 3, place));
    return BACKGROUND.map((back, channel) => 255 * unit(this.#at(name, channel, place)) + back * clear);
  }

  #draw() {
    const example = this.#example;
    if (!example) return;
    const { size } = example;
    for (const canvas of this.canvases) {
      paintCells(canvas, size, size, (place) => this.#color(canvas.dataset.name ?? "", place));
      if (this.#pixel === null) continue;
      const context = contextOf(canvas);
      context.fillStyle = MARK;
      context.fillRect(this.#pixel % size, Math.floor(this.#pixel / size), 1, 1);
    }
    if (this.#pixel !== null) this.#part(".pixel").textContent = this.#sentence(example, this.#pixel);
  }

  /** @param {Example} example @param {number} place */
  #sentence(example, place) {
    const [x, y] = [place % example.size, Math.floor(place / example.size)];
    const red = Object.fromEntries(Object.keys(this.#values).map((name) => [name, this.#at(name, 0, place)]));
    return `Pixel ${x}, ${y}, red: ${sentenceOf(example, red)}; squared error over all four channels ${this.#error(place).toFixed(3)}.`;
  }

  /** @param {HTMLCanvasElement} canvas */
  #listen(canvas) {
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      this.#choose((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
    onArrows(canvas, (across, down) => {
      const size = this.#example?.size ?? 1;
      const place = this.#pixel ?? 0;
      this.#choose(((place % size) + across + 0.5) / size, (Math.floor(place / size) + down + 0.5) / size);
    });
  }

  /** @param {number} across @param {number} down  shares of the picture */
  #choose(across, down) {
    const size = this.#example?.size;
    if (!size) return;
    const cell = (/** @type {number} */ share) => clamp(Math.floor(share * size), 0, size - 1);
    const place = cell(down) * size + cell(across);
    if (place === this.#pixel) return;
    this.#pixel = place;
    this.#draw();
  }
}
