// A training as it goes on: loss, gradient norm, gradient over distance, and what the network writes meanwhile.

import { LineChart } from "../core/chart.js";
import { element, find } from "../core/dom.js";

/** @typedef {import("../types.js").LearningView} LearningView */
/** @typedef {import("../types.js").Sample} Sample */

export const template = `
<div class="tc" data-state="empty">
  <p class="gb-empty tc-empty">Press Train: loss, gradient and samples appear here as the network learns.</p>
  <div class="tc-body">
  <section class="gb-panel tc-wide tc-loss" aria-label="Loss over the steps">
    <h3>Loss, in bits per character</h3>
    <div class="lc-frame"></div>
    <div class="lc-legend"></div>
  </section>
  <section class="gb-panel tc-norm" aria-label="Norm of the gradient over the steps">
    <h3>Norm of the gradient, before clipping</h3>
    <div class="lc-frame"></div>
    <div class="lc-legend"></div>
    <p class="gb-caption tc-largest"></p>
  </section>
  <section class="gb-panel tc-distance" aria-label="Gradient over distance">
    <h3>What is left of it d characters back</h3>
    <div class="lc-frame"></div>
    <div class="lc-legend"></div>
    <p class="gb-caption tc-factor"></p>
  </section>
  <section class="gb-panel tc-wide" aria-label="Samples">
    <h3>What it writes, always with the same dice</h3>
    <ol class="tc-samples" tabindex="0" aria-label="samples, newest first"></ol>
  </section>
  </div>
</div>`;

/** @param {Sample} sample */
const line = ({ steps, text }) =>
  element(
    "li",
    {},
    element("b", {}, `after ${steps.toLocaleString("en")} ${steps === 1 ? "step" : "steps"}:`),
    element("span", {}, text),
  );

export default class TrainingCurves {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
    /** @param {string} name */
    const chart = (name) => new LineChart(find(root, `.tc-${name} .lc-frame`), find(root, `.tc-${name} .lc-legend`));
    this.charts = { loss: chart("loss"), norm: chart("norm"), distance: chart("distance") };
  }

  /** @param {LearningView | null} view */
  show(view) {
    find(this.root, ".tc").dataset.state = view ? "full" : "empty";
    if (!view) return;
    this.charts.loss.show({ ...view.loss, format: (bits) => `${bits.toFixed(2)} bits` });
    this.charts.norm.show(view.norm);
    this.charts.distance.show(view.distance);
    find(this.root, ".tc-largest").textContent = view.largest;
    find(this.root, ".tc-factor").textContent = view.factor;
    find(this.root, ".tc-samples").replaceChildren(...view.samples.map(line));
  }
}
