// One token's way through one layer: every vector from the residual stream back to the residual stream, in numbers. A
// patch's way goes on to the answer, with the sum behind one number of each vector.

import { largestSize, load } from "../core/arrays.js";
import { paintCells } from "../core/canvas.js";
import { element, find, keepFocus } from "../core/dom.js";
import { short } from "../core/format.js";
import { clamp, onCells } from "../core/keys.js";
import { diverging } from "../core/ramps.js";
import { ask } from "../core/server.js";
import { follow, shared } from "../core/shared.js";
import { workedOut } from "../pieces/walk_sums.js";

/** @typedef {import("../types.js").WalkView} WalkView */
/** @typedef {import("../types.js").WalkedAt} WalkedAt */
/** @typedef {import("../types.js").StationView} Station */
/** @typedef {import("../types.js").HeadsLooking} HeadsLooking */
/** @typedef {import("../core/arrays.js").Numbers} Numbers */

const READ = "Point at a strip for its numbers; blue is below zero, orange above; each strip has its own scale.";
/** @type {Record<string, string[]>} whose heads look, at a station */
const LOOKING = { "heads, side by side": ["encoder", "decoder", "patches"], "cross-attention": ["cross"] };

export const template = `
<div class="walk" data-state="empty">
  <p class="gb-empty">Pick a cell above: its layer is taken apart here.</p>
  <div class="walk-body">
    <p class="gb-said walk-said" aria-live="polite" hidden></p>
    <div class="walk-title"></div>
    <div class="walk-stations" role="group" aria-label="the way, step by step"></div>
    <p class="gb-caption walk-read" aria-live="polite">${READ}</p>
  </div>
</div>`;

export default class LayerWalk {
  /** @type {WalkView | null} */ #shown = null;
  #channel = -1; // the number chosen, which stays when another patch walks; -1: the one that changes most
  #asked = 0;
  #wanted = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server, look }) {
    this.root = root;
    this.server = server;
    this.look = look;
    follow("looking", root, (looking) => this.#follow(looking));
  }

  /** @param {WalkView | null} value */
  async show(value) {
    await this.#draw(value);
    if (!value?.at) return;
    const number = Number(this.look.take("number") ?? this.#channel);
    if (Number.isInteger(number) && number >= 0) this.#channel = number;
    const looking = shared("looking");
    await this.#follow(looking?.run === value.at.run ? looking : value.at);
  }

  /** @param {WalkView | null} value */
  async #draw(value) {
    const asked = ++this.#asked;
    if (!value) {
      if (this.#shown?.at) find(this.root, ".walk").dataset.state = "empty";
      return;
    }
    const { data } = await load(value.values);
    if (asked !== this.#asked) return;
    this.#shown = value;
    const walk = find(this.root, ".walk");
    walk.dataset.state = "full";
    walk.dataset.at = value.at ? [value.at.layer, value.at.head, value.at.token].join(".") : "";
    find(this.root, ".walk-title").textContent = value.title;
    find(this.root, ".walk-said").hidden = !value.said;
    find(this.root, ".walk-said").textContent = value.said;
    let start = 0;
    const strips = value.stations.map(({ numbers }) => {
      start += numbers;
      return data.subarray(start - numbers, start);
    });
    const rows = value.stations.map((_, index) => this.#station(value, strips, index));
    keepFocus(this.root, () => find(this.root, ".walk-stations").replaceChildren(...rows));
  }

  /** Another head, patch or number of the run shown. @param {Partial<WalkedAt> & { run: string }} wanted */
  async #follow(wanted) {
    const at = this.#shown?.at;
    if (!at || wanted.run !== at.run) return;
    const { layer, head, token } = wanted;
    const turn = ++this.#wanted;
    const same = layer === at.layer && head === at.head && token === at.token;
    if (same && (this.#channel < 0 || this.#channel === at.channel)) return;
    const next = { run: at.run, layer, head, token, channel: this.#channel };
    try {
      const walked = await ask(this.server.patch_walk, next);
      if (turn === this.#wanted) await this.#draw(walked);
    } catch (error) {
      if (turn === this.#wanted) this.#read(/** @type {Error} */ (error).message);
    }
  }

  /** @param {WalkView} value @param {Numbers[]} strips @param {number} index */
  #station(value, strips, index) {
    const { name, stream, numbers, size, meaning } = value.stations[index];
    const heads = value.heads.filter(({ kind }) => LOOKING[name]?.includes(kind));
    const sum = workedOut(value.stations, strips, index);
    return element(
      "div",
      { class: `walk-station ${stream ? "stream" : "branch"}` },
      element("span", { class: "walk-name" }, name),
      this.#strip(value, value.stations[index], strips[index]),
      element("span", { class: "walk-facts" }, `${numbers.toLocaleString("en")} numbers, size ${short(size)}`),
      element("p", { class: "walk-meaning" }, meaning),
      ...(sum ? [element("p", { class: "walk-sum" }, sum)] : []),
      ...heads.map(looking),
    );
  }

  /** @param {WalkView} value @param {Station} station @param {Numbers} values */
  #strip(value, { name, number }, values) {
    const limit = Math.max(largestSize(values), 1e-9);
    const canvas = element("canvas", { class: "walk-strip" });
    const width = value.stations.find(({ stream }) => stream)?.numbers;
    const picks = value.at !== null && values.length === width;
    /** @param {number} index */
    const read = (index) =>
      this.#read(
        `${name}, number ${index + 1} of ${values.length}: ${values[index].toFixed(3)} (the largest is ${limit.toFixed(3)} from zero)`,
      );
    /** @param {PointerEvent | MouseEvent} event */
    const under = (event) =>
      clamp(Math.floor((event.offsetX / canvas.clientWidth) * values.length), 0, values.length - 1);
    const pick = picks ? (/** @type {number} */ index) => this.#pick(index) : () => {};
    canvas.addEventListener("pointermove", (event) => read(under(event)));
    canvas.addEventListener("pointerleave", () => this.#read(READ));
    canvas.addEventListener("click", (event) => pick(under(event)));
    onCells(canvas, {
      name: `${values.length} numbers of ${name}: arrow keys read them${picks ? ", Enter works one out" : ""}`,
      size: () => [1, values.length],
      over: (_, index) => read(index),
      pick: (_, index) => pick(index),
      away: () => this.#read(READ),
    });
    paintCells(canvas, 1, values.length, (index) => diverging(values[index] / limit));
    const marker = element("i", { class: "walk-marker", hidden: !(number >= 0) });
    marker.style.left = `${(100 * (number + 0.5)) / values.length}%`;
    return element("div", { class: "walk-band" }, canvas, marker);
  }

  /** @param {number} channel */
  #pick(channel) {
    const at = this.#shown?.at;
    if (!at) return;
    this.#channel = channel;
    this.look.set("number", channel);
    this.#follow(at);
  }

  /** @param {string} text */
  #read(text) {
    find(this.root, ".walk-read").textContent = text;
  }
}

/** @param {HeadsLooking} heads */
const looking = ({ kind, best }) =>
  element(
    "div",
    { class: "walk-heads" },
    `${kind === "cross" ? "cross head" : "head"} looks most at`,
    ...best.map(([place, word, weight], head) =>
      element(
        "span",
        { title: `head ${head + 1} takes most, ${weight.toFixed(3)}, from ${word} (${place + 1})` },
        `${head + 1}: `,
        element("b", {}, word),
        ` (${place + 1}) ${weight.toFixed(2)}`,
      ),
    ),
  );
