// A detector that learns from drawn boxes: loss over the steps, and on every frame the drawn boxes beside its answers.
// Value: a LessonsView; the rounds that came before are kept here.

import { address } from "../core/arrays.js";
import { fit, onWidth } from "../core/canvas.js";
import { LineChart } from "../core/chart.js";
import { element, find } from "../core/dom.js";
import { follow } from "../core/shared.js";
import { above, outline, paintBoxes } from "../pieces/boxes.js";

/** @typedef {import("../types.js").LessonsView} LessonsView */
/** @typedef {import("../types.js").LessonRound} LessonRound */

export const template = `
<div class="box-lessons" data-state="empty">
  <p class="gb-empty">Draw boxes on a few frames, then press Train: what the detector answers on each appears here every few seconds.</p>
  <div class="bl-full">
    <label class="bl-slide"><span class="bl-when"></span><input type="range" min="0" step="1" value="0" aria-label="time of the training"></label>
    <div class="bl-frames"></div>
    <p class="gb-caption bl-about"></p>
    <section class="bl-loss" aria-label="Loss"><h3>Loss</h3><div class="gb-chart-legend"></div><div class="gb-chart-frame"></div></section>
  </div>
</div>`;

const SOLID = "Solid: its answers with a score above the threshold.";
const TAUGHT = `Dashed: the boxes you drew. ${SOLID} The frames are those it learns from: how well it finds the thing elsewhere shows the camera below.`;
const UNTAUGHT = `Dashed: where the things are. ${SOLID}`;

export default class BoxLessons {
  /** @type {LessonsView | null} */ #shown = null;
  /** @type {LessonRound[]} in the order of their numbers */ #rounds = [];
  #follows = true; // the slider stays at the newest round until it is moved back

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
    this.chart = new LineChart(find(root, ".gb-chart-frame"), find(root, ".gb-chart-legend"));
    this.slider = find(root, ".bl-slide input");
    this.slider.addEventListener("input", () => {
      this.#follows = this.slider.value === this.slider.max;
      this.#draw();
    });
    follow("threshold", root, () => this.#draw());
    onWidth(find(root, ".bl-frames"), () => this.#draw());
  }

  /** @param {LessonsView | null} value */
  show(value) {
    find(this.root, ".box-lessons").dataset.state = value ? "full" : "empty";
    const before = this.#shown?.run;
    this.#shown = value;
    if (!value) return;
    if (value.run !== before || !value.run) {
      [this.#rounds, this.#follows] = [[], true];
      find(this.root, ".bl-frames").replaceChildren(...value.frames.map((frame, index) => this.#figure(frame, index)));
    }
    if (this.#rounds.every(({ number }) => number < value.round.number)) this.#rounds.push(value.round);
    this.slider.max = String(this.#rounds.length - 1);
    if (this.#follows) this.slider.value = this.slider.max;
    const losses = { name: "loss, mean of the last steps", color: "memory", dash: "", points: value.losses };
    find(this.root, ".bl-loss").hidden = !value.losses.length;
    if (value.losses.length) this.chart.show({ series: [losses], x: "steps", y: "loss", low: 0 });
    find(this.root, ".bl-about").textContent = value.run ? TAUGHT : UNTAUGHT;
    this.#draw();
  }

  /** @param {{ image: string }} frame @param {number} index */
  #figure({ image }, index) {
    const picture = element("img", { src: address(image), alt: `frame ${index + 1}`, onload: () => this.#draw() });
    return element("figure", {}, picture, element("canvas"));
  }

  #draw() {
    const value = this.#shown;
    if (!value) return;
    const round = this.#rounds[Number(this.slider.value)];
    const found = above(round.found.flat()).length;
    const drawn = value.frames.reduce((sum, frame) => sum + frame.drawn.length, 0);
    const when = value.run ? `after ${round.step} steps, ${round.seconds.toFixed(0)} s` : "before any training";
    find(this.root, ".bl-when").textContent = `${when}: ${found} found, ${drawn} drawn`;
    this.root.querySelectorAll("canvas").forEach((canvas, index) => {
      paint(canvas, value.frames[index].drawn, above(round.found[index]));
    });
  }
}

/** @param {HTMLCanvasElement} canvas @param {{ box: number[] }[]} drawn @param {import("../pieces/boxes.js").Found[]} found */
function paint(canvas, drawn, found) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = fit(canvas, width, height);
  context.setLineDash([5, 4]);
  for (const { box } of drawn)
    outline(context, box, width, height, [
      ["#fff", 3],
      ["#1e293b", 1.5],
    ]);
  context.setLineDash([]);
  paintBoxes(context, found, width, height);
}
