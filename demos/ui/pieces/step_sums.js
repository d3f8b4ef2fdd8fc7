// The sums of a denoising step: what x_t is, what the next x is mixed from, and the same for one pixel in numbers.

import { element } from "../core/dom.js";
import { fixed, minus } from "../core/format.js";

/** @typedef {import("../types.js").StepView} StepView */

/** Role and words of what a sampler multiplies. @type {Record<string, [string, string]>} */
const NAMES = {
  x_t: ["input", "xₜ"],
  x_0: ["prediction", "predicted x₀"],
  epsilon: ["noise", "predicted noise"],
  fresh: ["noise", "fresh noise"],
  x_0_before: ["prediction", "x₀ predicted one step before"],
  x_0_before_that: ["prediction", "x₀ predicted two steps before"],
  x_before: ["input", "x of the step before"],
  x_corrected: ["input", "corrected xₜ"],
  v: ["prediction", "v"],
  known: ["input", "your picture"],
  known_fresh: ["noise", "fresh noise"],
  x_0_of_v: ["prediction", "predicted x₀ (then kept within −1 to 1, and the noise with it)"],
  epsilon_of_v: ["noise", "predicted noise"],
  said: ["noise", "noise as it is said"],
  corrected: ["input", "corrected xₜ"],
  next: ["input", "next x"],
  in_hole: ["input", "In the hole: next x"],
  around: ["input", "Around it: next x"],
};

/** A factor as it is read: three decimals, powers of ten for what they would hide. @param {number} value */
export const factor = (value) =>
  minus(Math.abs(value) >= 0.0005 || value === 0 ? value.toFixed(3) : value.toExponential(1));

/** The sums of a step: for a corrected x_t, if there is one, for the next x, and for it around a hole. @param {StepView} step */
const sums = ({ correction, terms, around }) =>
  /** @type {[string, [number, string][]][]} */ ([
    ["corrected", correction],
    [around.length ? "in_hole" : "next", terms],
    ["around", around],
  ]).filter(([, sum]) => sum.length);

/** The sums of a step in one sentence. @param {StepView} step */
export const sentence = (step) =>
  sums(step)
    .map(([left, sum]) => `${NAMES[left][1]} = ${sum.map(([by, of]) => `${factor(by)} × ${NAMES[of][1]}`).join(" + ")}`)
    .join("; ");

/** What the network says of a step and what follows from it; empty where that is not told. @param {StepView} step */
export function saysOf({ predicts, signal, noise_share }) {
  const [by, and] = [factor(signal), factor(noise_share)];
  const then = `kept within −1 to 1; predicted noise = (xₜ − ${by} × predicted x₀) / ${and}.`;
  if (predicts === "epsilon")
    return `It predicts the noise: predicted x₀ = (xₜ − ${and} × noise) / ${by}, so that an error of the noise counts ${minus((noise_share / signal).toPrecision(2))} times; ${then}`;
  if (predicts !== "v") return "";
  const mostly = signal > noise_share ? "here mostly the noise" : "here mostly the picture, taken away";
  return `It predicts v = ${by} × noise − ${and} × x₀, ${mostly}: predicted x₀ = ${by} × xₜ − ${and} × v, ${then}`;
}

export class StepSums {
  sentence = sentence;

  /** @param {HTMLElement} words @param {HTMLElement} pixel */
  constructor(words, pixel) {
    this.words = words;
    this.pixel = pixel;
  }

  /** @param {StepView} step */
  show(step) {
    const where = `xₜ = ${factor(step.signal)} × x₀ + ${factor(step.noise_share)} × noise, as the network reads it. `;
    const then = step.t_next < 0 ? "The last step." : `Next: t = ${step.t_next}.`;
    const says = saysOf(step);
    this.words.replaceChildren(
      element("span", {}, where + then),
      ...(says ? [element("span", {}, says)] : []),
      ...sums(step).map(([left, sum]) =>
        element(
          "span",
          {},
          `${NAMES[left][1]} = `,
          ...sum.flatMap(([by, of], index) => [
            index ? " + " : "",
            element("span", { class: `term ${NAMES[of][0]}` }, `${factor(by)} × ${NAMES[of][1]}`),
          ]),
        ),
      ),
    );
  }

  /** @param {import("../types.js").PixelView} pixel */
  showPixel({ caption, rows }) {
    const head = ["factor × picture", "red", "green", "blue", "alpha"].map((name) =>
      element("th", { scope: "col" }, name),
    );
    this.pixel.replaceChildren(
      element(
        "table",
        { class: "gb-pixel" },
        element("caption", {}, `${caption}: values in about −1 to 1, rounded, colours multiplied by alpha`),
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...rows.map(pixelRow)),
      ),
    );
  }

  /** @param {string} sentence */
  say(sentence) {
    this.pixel.replaceChildren(element("p", { class: "gb-fault" }, sentence));
  }

  clearPixel() {
    this.pixel.replaceChildren();
  }
}

/** A row as it is read: a factor and what it multiplies, or the sum of the rows above. @param {import("../types.js").PixelRow} row */
export function pixelTexts({ factor: by, of, values }) {
  const name = by === null ? `= ${NAMES[of][1]}` : `${minus(String(Number(by.toPrecision(4))))} × ${NAMES[of][1]}`;
  return [name, ...values.map((value) => fixed(value, 3))];
}

/** @param {import("../types.js").PixelRow} row */
function pixelRow(row) {
  const [name, ...values] = pixelTexts(row);
  const cells = values.map((value) => element("td", {}, value));
  if (row.factor === null) return element("tr", { class: "gb-total" }, element("th", { scope: "row" }, name), ...cells);
  return element("tr", {}, element("td", {}, name), ...cells);
}
