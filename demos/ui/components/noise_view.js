// The forward process at one time: picture and noise in their shares, their sum, curves and histogram.

import { image } from "../core/arrays.js";
import { element, find, svg } from "../core/dom.js";
import { Sheets, tile } from "../pieces/sheets.js";

/** @typedef {import("../types.js").NoisyView} Noisy */

export const template = `
<div class="noise-view" data-state="empty">
  <p class="gb-empty">Choose a picture, then move the slider over time.</p>
  <div class="full">
    <p class="gb-said said"></p>
    <div class="sum">
      <figure><img class="clean checker" alt="the clean picture x0"><figcaption class="gb-caption"><span class="signal"></span> × x<sub>0</sub></figcaption></figure>
      <span class="sign">+</span>
      <figure><img class="noise" alt="Gaussian noise"><figcaption class="gb-caption"><span class="noise-share"></span> × ε</figcaption></figure>
      <span class="sign">=</span>
      <figure><img class="noisy" alt="the noisy picture"><figcaption class="gb-caption">x<sub>t</sub>, t = <span class="t"></span></figcaption></figure>
    </div>
    <figure class="steps">
      <div class="tiles"></div>
      <figcaption class="gb-caption step-said"></figcaption>
    </figure>
    <div class="plots">
      <figure><svg class="curve" viewBox="0 0 200 110" role="img"></svg><figcaption class="gb-caption">ᾱ<sub>t</sub>, the share of variance that is picture: <span class="share"></span>; signal to noise <span class="snr"></span></figcaption></figure>
      <figure><svg class="histogram" viewBox="0 0 200 110" role="img"></svg><figcaption class="gb-caption">the colours of x<sub>t</sub> (bars; mean <span class="mean"></span>, deviation <span class="deviation"></span>) become a standard normal distribution (line; 0 and 1)</figcaption></figure>
    </div>
    <div class="gb-strip nothing" role="status"><span><b>model</b> none</span><span><b>parameters</b> 0</span><span><b>networks run</b> 0</span><span><b>computed</b> one weighted sum of <span class="values"></span> numbers, with two factors from a table</span></div>
  </div>
</div>`;

const [WIDTH, HEIGHT, LAST] = [200, 110, 999];
/** @type {Record<string, number>} */ const NAMED_AT = { cosine: 0.8, linear: 0.3, shifted: 0.6 }; // where on its curve

export default class NoiseView {
  sheets = new Sheets();
  #newest = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.view = find(root, ".noise-view");
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.view, selector);
  }

  /** @param {Noisy | null} value */
  async show(value) {
    const number = ++this.#newest;
    if (value) await Promise.all([value.clean, value.noise, value.noisy].map(image));
    if (value) await this.sheets.load([value.steps]);
    if (number !== this.#newest) return;
    this.view.dataset.state = value ? "full" : "empty";
    if (!value) return;
    for (const name of /** @type {const} */ (["clean", "noise", "noisy"])) this.#part(`img.${name}`).src = value[name];
    const texts = {
      ...factorTexts(value),
      t: String(value.t),
      said: value.said,
      "step-said": value.step_said,
      mean: value.mean.toFixed(2),
      deviation: value.deviation.toFixed(2),
      values: value.values.toLocaleString("en"),
    };
    for (const [name, text] of Object.entries(texts)) this.#part(`.${name}`).textContent = text;
    this.#drawSteps(value);
    this.#drawCurves(value);
    this.#drawHistogram(value);
  }

  /** @param {Noisy} value */
  #drawSteps({ steps, step_times: times }) {
    const url = this.sheets.known(steps) ?? "";
    const shown = times.map((time, place) =>
      element("div", {}, tile(url, place, times.length), element("small", {}, `t = ${time}`)),
    );
    this.#part(".steps .tiles").replaceChildren(...shown);
  }

  /** @param {Noisy} value */
  #drawCurves({ curves, schedule, t, alpha_bar: share }) {
    const curve = this.#part(".curve");
    curve.replaceChildren(
      ...Object.entries(curves).flatMap(([name, shares]) => curveOf(name, shares, name === schedule)),
      svg("line", { x1: across(t), x2: across(t), y1: 4, y2: HEIGHT - 4, stroke: "var(--gb-line)" }),
      svg("circle", { cx: across(t), cy: up(share), r: 4, fill: "var(--gb-prediction)" }),
    );
    const about = `alphas_cumprod of the ${schedule} schedule over time; at ${t} it is ${share.toFixed(3)}`;
    curve.setAttribute("aria-label", about);
  }

  /** @param {Noisy} value */
  #drawHistogram({ histogram, centres }) {
    const top = Math.max(0.6, ...histogram);
    const step = WIDTH / histogram.length;
    const y = (/** @type {number} */ density) => HEIGHT - 4 - (Math.min(density, top) / top) * (HEIGHT - 10);
    const bars = histogram.map((density, place) =>
      svg("rect", {
        x: place * step + 0.5,
        y: y(density),
        width: step - 1,
        height: HEIGHT - 4 - y(density),
        fill: "var(--gb-noise)",
      }),
    );
    const normal = centres.map(
      (centre, place) => `${(place + 0.5) * step},${y(Math.exp((-centre * centre) / 2) / Math.sqrt(2 * Math.PI))}`,
    );
    const line = { points: normal.join(" "), fill: "none", stroke: "var(--gb-prediction)", "stroke-width": 1.6 };
    this.#part(".histogram").replaceChildren(...bars, svg("polyline", line));
    const about = "histogram of the noisy picture's values beside a standard normal density";
    this.#part(".histogram").setAttribute("aria-label", about);
  }
}

/** The two factors of the sum, the share of variance that is picture, and signal to noise. @param {Noisy} value */
export const factorTexts = ({ signal, noise_share: noise, alpha_bar: share, signal_to_noise: ratio }) => ({
  signal: signal.toFixed(3),
  "noise-share": noise.toFixed(3),
  share: share.toFixed(3),
  snr: ratio.toPrecision(3),
});

/** @param {number} time */
const across = (time) => (time / LAST) * (WIDTH - 12) + 6;

/** @param {number} share */
const up = (share) => HEIGHT - 8 - share * (HEIGHT - 16);

/** A schedule's curve and its name. @param {string} name @param {number[]} shares @param {boolean} chosen */
function curveOf(name, shares, chosen) {
  const points = shares.map((share, place) => [across((place * LAST) / (shares.length - 1)), up(share)]);
  const near = points[shares.findIndex((share) => share < NAMED_AT[name])];
  const before = name === "shifted"; // the others' curves are to its right
  const line = svg("polyline", {
    points: points.join(" "),
    fill: "none",
    stroke: chosen ? "var(--gb-memory)" : "var(--gb-noise)",
    "stroke-width": chosen ? 1.8 : 0.8,
    "stroke-dasharray": chosen ? "none" : "3 2",
  });
  const label = {
    x: near[0] + (before ? -3 : 3),
    y: near[1],
    "text-anchor": before ? "end" : "start",
    class: chosen ? "chosen" : "",
  };
  return [line, svg("text", label, name)];
}
