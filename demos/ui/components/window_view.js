// Attention within shifted windows. A block's weights are fetched when it is first looked at; a head or a patch then asks
// nobody.

import { load } from "../core/arrays.js";
import { element, find } from "../core/dom.js";
import { sequential } from "../core/ramps.js";
import { PictureTokens, patchName } from "../pieces/picture_tokens.js";

/** @typedef {import("../types.js").WindowsView} WindowsView */
/** @typedef {import("../types.js").WindowBlockView} WindowBlockView */
/** @typedef {{ attention: import("../core/arrays.js").Numbers, keys: import("../core/arrays.js").Numbers, reach: import("../core/arrays.js").Numbers }} Arrays */

const STEPS = 255;

export const template = `
<div class="wv" data-state="empty">
  <p class="gb-empty">Choose an example, upload a picture or take one with the webcam: its windows appear here.</p>
  <div class="full">
    <div class="controls">
      <label>block <output class="block-value"></output><input class="block" type="range" min="0" step="1" aria-label="Block"></label>
      <label>head <select class="head" aria-label="Head"></select></label>
    </div>
    <p class="gb-said about" aria-live="polite"></p>
    <div class="picture"></div>
    <p class="legend"><span><i class="inside"></i> its window, by attention</span><span><i class="known"></i> may have come to it by now</span><span><i class="never"></i> has not</span></p>
    <p class="reading" aria-live="polite"></p>
    <p class="pointed"></p>
  </div>
</div>`;

export default class WindowView {
  /** @type {WindowsView | null} */ #shown = null;
  /** @type {Arrays | null} */ #arrays = null; // of the block that is shown
  #turn = 0; // counts values and blocks, so that a slow one never replaces a later one
  #at = 0; // the block, counted through all stages
  #chosen = 1; // the patch that looks
  /** @type {number | null} */ #hovered = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
    this.slider = /** @type {HTMLInputElement} */ (find(root, ".block"));
    this.head = /** @type {HTMLSelectElement} */ (find(root, ".head"));
    this.frame = new PictureTokens(find(root, ".picture"), {
      cls: false,
      onHover: (token) => {
        this.#hovered = token;
        this.#draw();
      },
      onPick: (token) => {
        this.#chosen = token;
        this.#draw();
      },
    });
    find(root, ".wv").style.setProperty("--wv-low", sequential(0).join(" "));
    find(root, ".wv").style.setProperty("--wv-high", sequential(1).join(" "));
    this.slider.addEventListener("input", () => this.#shown && this.#turnTo(Number(this.slider.value), this.#shown));
    this.head.addEventListener("change", () => this.#draw());
  }

  /** @param {WindowsView | null} value */
  async show(value) {
    const panel = find(this.root, ".wv");
    if (!value) {
      this.#turn++;
      this.#shown = null;
      panel.dataset.state = "empty";
      return;
    }
    const grids = (/** @type {WindowsView} */ { blocks }) => blocks.map(({ grid }) => grid).join();
    const kept = this.#shown && grids(this.#shown) === grids(value);
    if (!(await this.#turnTo(kept ? this.#at : 0, value, kept ? null : middleOf(value.blocks[0].grid)))) return;
    this.slider.max = String(value.blocks.length - 1);
    panel.dataset.state = "full";
    panel.dataset.run = value.run;
  }

  /** @param {number} index @param {WindowsView} value @param {number | null} token */
  async #turnTo(index, value, token = null) {
    const turn = ++this.#turn;
    const before = this.#shown?.blocks[this.#at].grid;
    const block = value.blocks[index];
    const [attention, keys, reach] = await Promise.all([block.attention, block.keys, block.reach].map(load));
    if (turn !== this.#turn) return false;
    await this.frame.show({ image: value.image, rows: block.grid, columns: block.grid });
    if (turn !== this.#turn) return false;
    this.#arrays = { attention: attention.data, keys: keys.data, reach: reach.data };
    this.#chosen = token ?? movedTo(this.#chosen, before ?? block.grid, block.grid);
    [this.#shown, this.#at, this.#hovered] = [value, index, null];
    this.#fillHeads(block.heads);
    this.#draw();
    return true;
  }

  /** @param {number} heads */
  #fillHeads(heads) {
    const wanted = Math.min(Number(this.head.value) || 0, heads);
    const names = ["mean of all", ...Array.from({ length: heads }, (_, head) => `${head + 1}`)];
    this.head.replaceChildren(...names.map((name, value) => element("option", { value: String(value) }, name)));
    this.head.value = String(wanted);
  }

  #draw() {
    if (!this.#shown || !this.#arrays) return;
    const block = this.#shown.blocks[this.#at];
    const weights = weightsOf(block, this.#arrays, this.#chosen, Number(this.head.value));
    const largest = Math.max(...weights.values()) || 1;
    const [left, top, right, bottom] = this.#arrays.reach.subarray(4 * (this.#chosen - 1), 4 * this.#chosen);
    this.slider.value = String(this.#at);
    find(this.root, ".block-value").textContent =
      `${this.#at + 1} of ${this.#shown.blocks.length}, stage ${block.stage}`;
    this.frame.color((token) => {
      const weight = weights.get(token);
      if (weight !== undefined) return shade(weight / largest);
      const [x, y] = [((token - 1) % block.grid) * block.side, Math.floor((token - 1) / block.grid) * block.side];
      return [2, 6, 23, x >= left && x < right && y >= top && y < bottom ? 0.5 : 0.8];
    }, this.#chosen);
    find(this.root, ".about").textContent = about(block);
    const size = this.#shown.size;
    find(this.root, ".reading").textContent =
      `Chosen: ${patchName(this.#chosen, block.grid)}. It may look at ${weights.size} patches here; ${right - left} x ${bottom - top} of ${size} x ${size} pixels may have come to it by now.`;
    find(this.root, ".pointed").textContent = this.#hovered ? pointed(this.#hovered, weights, block.grid) : "";
  }
}

/** @param {number} share */
function shade(share) {
  const part = Math.sqrt(share);
  return [...sequential(part), 0.1 + 0.65 * part];
}

/** @param {number} token @param {Map<number, number>} weights @param {number} grid */
function pointed(token, weights, grid) {
  const weight = weights.get(token);
  return `Under the pointer: ${patchName(token, grid)}: ${weight === undefined ? "outside of its window" : `weight ${weight.toFixed(3)}`}.`;
}

/** @param {number} grid */
const middleOf = (grid) => 1 + Math.floor(grid / 2) * grid + Math.floor(grid / 2);

/** The patch of a grid of `to` that covers the middle of patch `token` of a grid of `from`. @param {number} token @param {number} from @param {number} to */
export function movedTo(token, from, to) {
  const cell = (/** @type {number} */ index) => Math.min(to - 1, Math.floor(((index + 0.5) * to) / from));
  return 1 + cell(Math.floor((token - 1) / from)) * to + cell((token - 1) % from);
}

/**
 * How much a patch takes from every patch of its window: from patch (from 1) to weight. Head 0 is the mean of all.
 * @param {{ heads: number, grid: number, window: number }} block @param {Pick<Arrays, "attention" | "keys">} arrays
 * @param {number} chosen @param {number} head
 */
export function weightsOf({ heads, grid, window: side }, { attention, keys }, chosen, head) {
  const [count, places] = [grid * grid, side * side];
  const asked = head ? [head - 1] : Array.from({ length: heads }, (_, index) => index);
  /** @type {Map<number, number>} */
  const found = new Map();
  for (let place = 0; place < places; place++) {
    const key = keys[(chosen - 1) * places + place];
    if (key < 0) continue;
    const step = (/** @type {number} */ one) => attention[(one * count + chosen - 1) * places + place] / STEPS;
    found.set(key + 1, asked.reduce((sum, one) => sum + step(one) ** 2, 0) / asked.length);
  }
  return found;
}

/** @param {WindowBlockView} block */
function about({ grid, side, window: cells, shift, block, stage }) {
  const [count, places] = [grid * grid, cells * cells];
  const fewer =
    grid > cells
      ? `${(count / places).toPrecision(2)} times fewer scores`
      : "here that is the whole picture, as in a ViT";
  const scores = `Each patch is compared with ${places} places at most, not with all ${count.toLocaleString("en")}: ${fewer}.`;
  const where = shift ? `shifted by ${shift} patches, so that neighbours of other windows meet` : "cut side by side";
  return `Stage ${stage}, block ${block}: ${grid} x ${grid} patches of ${side} x ${side} pixels. Windows of ${cells} x ${cells} patches, ${where}. ${scores}`;
}
