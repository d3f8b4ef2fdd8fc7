// Which earlier characters a prediction hangs on, the same position for several networks side by side.

import { load, part } from "../core/arrays.js";
import { LineChart } from "../core/chart.js";
import { element, find } from "../core/dom.js";
import { short } from "../core/format.js";
import { CharacterRow, nameOf } from "../pieces/characters.js";

/** @typedef {import("../types.js").InfluenceView} View */
/** @typedef {import("../types.js").NetworkReach} NetworkReach */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

export const template = `
<div class="iv gb-panel" data-state="empty">
  <p class="gb-empty">Nothing has been measured yet.</p>
  <div class="iv-body">
    <p class="gb-caption iv-hint">Point at a character or click it: the networks have just read it and predict the next one. What they owe to each earlier character is coloured.</p>
    <div class="iv-scale gb-scale"><span>0</span> <span class="ramp"></span> <span>all of the influence; colour grows with the square root</span></div>
    <label class="iv-slide">prediction after character <output></output><input type="range" min="0" max="0" value="0"></label>
    <p class="gb-said" aria-live="polite"></p>
    <div class="iv-rows"></div>
    <div class="iv-curve">
      <b>Influence over distance, mean over all predictions of this text</b>
      <div class="lc-legend"></div>
      <div class="lc-frame"></div>
      <p class="gb-caption iv-halves"></p>
    </div>
  </div>
</div>`;

const SMALLEST = 1e-7; // a share that a logarithmic axis can show

/** @param {string} character */
const quoted = (character) => `“${nameOf(character)}”`;

/** Shares of one prediction's influence by place, 0 to 1. @param {NumericArray} shares @param {number} place */
export const sharesOf = (shares, place) => Float64Array.from(part(shares, place).data, (root) => (root / 255) ** 2);

/**
 * How many characters back one must go from the last of `shares` to gather `wanted` of them.
 * @param {Float64Array} shares @param {number} place of the last @param {number} wanted
 */
export function reach(shares, place, wanted) {
  let sum = 0;
  for (let back = 0; back <= place; back++) {
    sum += shares[place - back];
    if (sum >= wanted) return back + 1;
  }
  return place + 1;
}

/** The text as one network reads it. */
class Row {
  /** @param {NetworkReach} network @param {NumericArray} shares @param {string[]} text @param {{ onHover: (place: number | null) => void, onPick: (place: number) => void }} told */
  constructor(network, shares, text, told) {
    this.network = network;
    this.shares = shares;
    this.words = element("span");
    const place = element("div", { class: "iv-text" });
    this.characters = new CharacterRow(place, told);
    this.characters.show(text);
    const head = element("div", { class: "iv-head" }, element("b", {}, network.title), this.words);
    this.node = element("div", {}, head, place);
  }

  /** @param {number} at the last character read */
  paint(at) {
    const shares = sharesOf(this.shares, at);
    this.characters.spans.forEach((span, place) => {
      const share = place <= at ? shares[place] : 0;
      span.style.background = share
        ? `color-mix(in srgb, var(--gb-key) ${(75 * Math.sqrt(share)).toFixed(1)}%, transparent)`
        : "";
      span.title = place <= at ? `${(100 * share).toFixed(1)} % of the influence, ${at - place} back` : "not read yet";
      span.classList.toggle("at", place === at);
    });
    this.words.textContent =
      `expects ${quoted(this.network.best[at])}; half of the influence lies within the last ` +
      `${reach(shares, at, 0.5)}, nine tenths within the last ${reach(shares, at, 0.9)} characters`;
  }
}

/** Which network looks farthest back at a place. @param {Row[]} rows @param {number} at */
function sentenceOf(rows, at) {
  const reached = rows.map(({ network, shares }) => ({
    title: network.title,
    back: reach(sharesOf(shares, at), at, 0.9),
  }));
  reached.sort((one, other) => other.back - one.back);
  const [farthest, nearest] = [reached[0], reached[reached.length - 1]];
  if (farthest.back === nearest.back) return `All look back ${farthest.back} characters here.`;
  return (
    `${farthest.title} looks farthest back here: nine tenths of what it owes the text it owes the last ` +
    `${farthest.back} characters; ${nearest.title} the last ${nearest.back}.`
  );
}

export default class InfluenceView {
  /** @type {string[]} */ #text = [];
  /** @type {Row[]} */ #rows = [];
  /** @type {number | null} */ #pinned = null;
  /** @type {number | null} */ #hovered = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
    this.chart = new LineChart(find(root, ".lc-frame"), find(root, ".lc-legend"));
    this.slider = find(root, ".iv-slide input");
    this.slider.addEventListener("input", () => this.#pick(Number(this.slider.value)));
  }

  /** @param {View | null} view */
  async show(view) {
    find(this.root, ".iv").dataset.state = view ? "full" : "empty";
    if (!view) return;
    const shares = await Promise.all(view.networks.map((network) => load(network.shares)));
    if (view.text.join("") !== this.#text.join("")) [this.#pinned, this.#hovered] = [null, null];
    this.#text = view.text;
    const told = {
      onHover: (/** @type {number | null} */ place) => this.#hover(place),
      onPick: (/** @type {number} */ place) => this.#pick(place),
    };
    this.#rows = view.networks.map((network, index) => new Row(network, shares[index], view.text, told));
    find(this.root, ".iv-rows").replaceChildren(...this.#rows.map(({ node }) => node));
    this.slider.max = view.text.length - 1;
    this.#paint();
    this.#drawCurve(view);
  }

  /** @param {number | null} place */
  #hover(place) {
    this.#hovered = place;
    this.#paint();
  }

  /** @param {number} place */
  #pick(place) {
    [this.#pinned, this.#hovered] = [place, null];
    this.#paint();
  }

  #paint() {
    const at = Math.min(this.#hovered ?? this.#pinned ?? Infinity, this.#text.length - 1);
    this.slider.value = at;
    find(this.root, ".iv-slide output").textContent = `${at} (${quoted(this.#text[at])})`;
    for (const row of this.#rows) row.paint(at);
    find(this.root, ".gb-said").textContent = sentenceOf(this.#rows, at);
  }

  /** @param {View} view */
  #drawCurve({ networks }) {
    this.chart.show({
      series: networks.map(({ title, color, dash, curve }) => ({
        name: title,
        color,
        dash,
        points: curve.map((share, back) => [back, Math.max(share, SMALLEST)]),
      })),
      x: "characters back",
      y: "share of the influence",
      log: true,
      low: -6,
      high: 0,
      format: (value) => (value <= SMALLEST ? "less than 1e−7" : short(value)),
    });
    const words = networks.map(({ title, half, most }) => `${title} ${half} and ${most}`);
    find(this.root, ".iv-halves").textContent =
      `Mean distance within which half and nine tenths of the influence lie: ${words.join("; ")} characters.`;
  }
}
