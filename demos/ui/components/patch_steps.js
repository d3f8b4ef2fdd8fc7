// What happens to one patch before the first layer, every number computed here from its pixels and the weights.

import { equation } from "../core/arithmetic.js";
import { image, load } from "../core/arrays.js";
import { contextOf, paintCells, paintScale } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { diverging, role } from "../core/ramps.js";
import { follow, share } from "../core/shared.js";
import { cosines, directions, dot, flattened, roughness, tinted } from "../pieces/patches.js";
import { patchName } from "../pieces/picture_tokens.js";
import { digits, paintSigned, Squares, sized } from "../pieces/squares.js";

/** @typedef {import("../types.js").PatchesView} PatchesView */
/**
 * @typedef {object} Shown  the value drawn, its arrays here
 * @property {PatchesView} view
 * @property {HTMLImageElement} bitmap
 * @property {Uint8ClampedArray} pixels
 * @property {Float32Array} filters
 * @property {Float32Array} bias
 * @property {Float32Array} embeddings
 * @property {Float32Array | null} directions  of the positions
 * @property {number[]} order  channels, the smoothest filter first
 * @property {HTMLCanvasElement} overview  all filters
 */

const LARGEST = 5;
const FILTER_COLUMNS = 24;
const MAPS_ACROSS = 16;
const COLORS = ["red", "green", "blue"];
const POSITION_NOTES = {
  kept: "learned numbers are added to the embedding, different for every place. Nobody told the network how places lie: that neighbours, rows and columns are alike was learned (Dosovitskiy et al. 2021, figure 7).",
  removed:
    "The position embeddings of the patches were removed from this run: nothing says any more where a patch lay.",
  shuffled:
    "In this run every place got the position embedding of another one, drawn by chance: the network is told a wrong order.",
};

export const template = `
<div class="ps" hidden>
  <p class="ps-who" aria-live="polite"></p>
  <section>
    <h3>2. Flatten</h3>
    <div class="ps-row">
      <figure><canvas class="ps-patch" width="140" height="140" role="img" aria-label="the patch"></canvas><figcaption>the patch</figcaption></figure>
      <figure><canvas class="ps-flat"></canvas><figcaption class="ps-flat-note" aria-live="polite"></figcaption></figure>
      <p>Pixel after pixel, row by row, its red, green and blue become one list. The mean of many photos is taken from each number, and the rest divided by their spread: blue is darker than usual, orange brighter.</p>
    </div>
  </section>
  <section>
    <h3>3. Embed</h3>
    <div class="ps-columns">
      <div>
        <p class="ps-filters-title"></p>
        <canvas class="ps-filters"></canvas>
        <label class="ps-channel">channel <output></output><input type="range" min="1" step="1"></label>
      </div>
      <div>
        <div class="ps-row">
          <figure><canvas class="ps-numbers"></canvas><figcaption>the patch, as numbers</figcaption></figure><span class="ps-sign">×</span>
          <figure><canvas class="ps-filter"></canvas><figcaption>the filter</figcaption></figure><span class="ps-sign">=</span>
          <figure><canvas class="ps-product"></canvas><figcaption>products, colours added up</figcaption></figure>
        </div>
        <p class="ps-sum"></p>
        <table class="gb-table ps-largest"></table>
        <figure class="ps-vector-figure"><canvas class="ps-vector"></canvas><figcaption class="ps-vector-note" aria-live="polite"></figcaption></figure>
      </div>
    </div>
  </section>
  <section>
    <h3>4. Add position</h3>
    <div class="ps-columns">
      <div><p>Every place with every other: one small map for each place</p><canvas class="ps-overview" role="img" tabindex="-1"></canvas></div>
      <div>
        <p class="ps-own-title"></p>
        <canvas class="ps-own"></canvas>
        <p class="ps-own-note" aria-live="polite"></p>
        <div class="gb-scale"><span>−1</span> <canvas class="ps-ramp" width="90" height="8"></canvas> <span>1</span> cosine of two position embeddings</div>
        <p class="ps-position-note"></p>
      </div>
    </div>
  </section>
</div>`;

export default class PatchSteps {
  /** @type {Shown | null} */ #shown = null;
  #token = 0;
  /** @type {number | null} */ #channel = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
    const part = (/** @type {string} */ name) => find(root, `.${name}`);
    this.part = part;
    this.flat = new Squares(part("ps-flat"), part("ps-flat-note"));
    this.vector = new Squares(part("ps-vector"), part("ps-vector-note"), (channel) => this.#pickChannel(channel));
    this.own = new Squares(part("ps-own"), part("ps-own-note"), (index) => this.#pickToken(index + 1));
    this.slider = /** @type {HTMLInputElement} */ (find(root, ".ps-channel input"));
    paintScale(part("ps-ramp"), (place) => diverging(2 * place - 1));
    follow("token", root, (chosen) => {
      if (!this.#shown || chosen.run !== this.#shown.view.run) return;
      this.#token = chosen.token;
      this.#draw(this.#shown);
    });
    this.slider.addEventListener("input", () => {
      if (this.#shown) this.#pickChannel(this.#shown.order[Number(this.slider.value) - 1]);
    });
    part("ps-filters").addEventListener("click", (/** @type {MouseEvent} */ event) => this.#clickFilter(event));
    part("ps-overview").addEventListener("click", (/** @type {MouseEvent} */ event) => this.#clickOverview(event));
  }

  /** @param {PatchesView | null} value */
  async show(value) {
    this.part("ps").hidden = !value;
    if (!value) return;
    const [bitmap, ...arrays] = await Promise.all([
      image(value.picture.image),
      ...[value.filters, value.bias, value.embeddings, value.positions].map(load),
    ]);
    const [filters, bias, embeddings, positions] = arrays.map(({ data }) => /** @type {Float32Array} */ (data));
    if (value.picture.columns !== this.#shown?.view.picture.columns) this.#token = 0;
    const order = smoothestFirst(filters, value.width, value.side);
    const overview = overviewOf(filters, order, value.side);
    const shown = { view: value, bitmap, pixels: pixelsOf(bitmap), filters, bias, embeddings, order, overview };
    this.#shown = { ...shown, directions: directions(positions, value.width) };
    if (this.#channel === null || this.#channel >= value.width) this.#channel = strongest(this.#shown);
    this.slider.max = String(value.width);
    this.#drawOverview(this.#shown);
    this.#draw(this.#shown);
    this.part("ps").dataset.run = value.run;
  }

  /** @param {number} channel */
  #pickChannel(channel) {
    this.#channel = channel;
    if (this.#shown) this.#drawChannel(this.#shown);
  }

  /** @param {number} token */
  #pickToken(token) {
    share("token", { run: this.#shown?.view.run, token });
  }

  /** The patch drawn: the chosen one, the middle one for CLS. @param {Shown} shown */
  #index({ view: { picture } }) {
    return this.#token
      ? this.#token - 1
      : Math.floor(picture.rows / 2) * picture.columns + Math.floor(picture.columns / 2);
  }

  /** @param {Shown} shown */
  #numbers(shown) {
    const { side, picture, mean, std } = shown.view;
    return flattened(shown.pixels, picture.columns, side, this.#index(shown), mean, std);
  }

  /** @param {Shown} shown */
  #draw(shown) {
    const { side, picture, width } = shown.view;
    const index = this.#index(shown);
    const place = patchName(index + 1, picture.columns);
    this.part("ps-who").textContent = this.#token
      ? `What happens to the patch in ${place}, before the first layer.`
      : `What happens to a patch before the first layer: click one above. Shown is the one in the middle, ${place}; CLS has no pixels, its ${width} numbers were learned and are the same for every picture.`;
    const patch = contextOf(this.part("ps-patch"));
    patch.imageSmoothingEnabled = false;
    const [left, top] = [(index % picture.columns) * side, Math.floor(index / picture.columns) * side];
    patch.drawImage(shown.bitmap, left, top, side, side, 0, 0, 140, 140);
    const numbers = this.#numbers(shown);
    const few = Array.from(numbers.slice(0, 3), digits).join(", ");
    const name = (/** @type {number} */ at) => pixelName(at, side);
    this.flat.show(numbers, side * 2, sized(numbers), name, `${numbers.length} numbers: ${few} …`);
    this.#drawChannel(shown);
    this.#drawPosition(shown, index);
  }

  /** @param {Shown} shown */
  #drawChannel(shown) {
    const { side, width } = shown.view;
    const channel = this.#channel ?? 0;
    const [numbers, weights] = [this.#numbers(shown), filterOf(shown.filters, channel, side)];
    const products = numbers.map((value, index) => value * weights[index]);
    const [bias, sum, start] = [shown.bias[channel], dot(numbers, weights), this.#index(shown) * width];
    this.#drawFilters(shown);
    find(this.root, ".ps-channel output").textContent = String(channel + 1);
    this.slider.value = String(shown.order.indexOf(channel) + 1);
    paintCells(this.part("ps-numbers"), side, side, (pixel) => tinted(numbers, sized(numbers), pixel));
    paintCells(this.part("ps-filter"), side, side, (pixel) => tinted(weights, sized(weights), pixel));
    const perPixel = Float32Array.from(
      { length: side * side },
      (_, pixel) => products[3 * pixel] + products[3 * pixel + 1] + products[3 * pixel + 2],
    );
    paintSigned(this.part("ps-product"), perPixel, side, sized(perPixel));
    const made = sumText(sum, bias, shown.embeddings[start + channel]);
    this.part("ps-sum").textContent = `Channel ${channel + 1}: the sum of ${numbers.length} products${made}`;
    this.part("ps-largest").replaceChildren(...largestProducts(products, numbers, weights, side));
    const vector = shown.embeddings.subarray(start, start + width);
    const note = `The ${width} channels of this patch, one number from each filter: its embedding. Click one to see its filter.`;
    this.vector.show(vector, Math.ceil(width / 8), sized(vector), (index) => `channel ${index + 1}`, note);
  }

  /** All filters, the smoothest first, each with its own range; the chosen one framed. @param {Shown} shown */
  #drawFilters({ view: { width, side }, overview, order }) {
    const canvas = this.part("ps-filters");
    this.part("ps-filters-title").textContent =
      `All ${width} filters as pictures, the smoothest first; click one. Grey is zero; each has its own range.`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${width} filters; the slider below chooses one`);
    [canvas.width, canvas.height] = [overview.width, overview.height];
    const [context, cell, place] = [contextOf(canvas), side + 2, order.indexOf(this.#channel ?? 0)];
    context.drawImage(overview, 0, 0);
    context.lineWidth = 2;
    context.strokeStyle = role("query");
    context.strokeRect((place % FILTER_COLUMNS) * cell, Math.floor(place / FILTER_COLUMNS) * cell, cell, cell);
  }

  /** @param {Shown} shown */
  #drawOverview({ directions: all, view: { width, picture } }) {
    const canvas = this.part("ps-overview");
    canvas.parentElement.hidden = !all;
    if (!all) return;
    const { rows, columns } = picture;
    const step = strideOf(columns);
    canvas.width = Math.ceil(columns / step) * (columns + 1);
    canvas.height = Math.ceil(rows / step) * (rows + 1);
    const context = contextOf(canvas);
    const small = element("canvas");
    for (let row = 0; row < rows; row += step)
      for (let column = 0; column < columns; column += step) {
        paintSigned(small, cosines(all, width, row * columns + column), columns, 1);
        context.drawImage(small, (column / step) * (columns + 1), (row / step) * (rows + 1));
      }
    canvas.setAttribute("aria-label", "for every place, the cosine of its position embedding with all others");
  }

  /** @param {Shown} shown @param {number} index */
  #drawPosition({ directions: all, view }, index) {
    for (const name of ["ps-own", "ps-own-note", "ps-own-title"]) this.part(name).hidden = !all;
    this.part("ps-position-note").textContent =
      `${view.edited === "kept" ? `${view.width} ` : ""}${POSITION_NOTES[view.edited]}`;
    if (!all) return;
    const name = (/** @type {number} */ place) => patchName(place + 1, view.picture.columns);
    this.part("ps-own-title").textContent = `The place of the chosen patch, ${name(index)}, with every other`;
    const similar = cosines(all, view.width, index);
    const others = similar.filter((_, place) => place !== index);
    const [low, high] = [Math.min(...others), Math.max(...others)];
    this.own.show(similar, view.picture.columns, 1, name, `from ${digits(low)} to ${digits(high)} with the others`);
  }

  /** @param {MouseEvent} event */
  #clickFilter(event) {
    if (!this.#shown) return;
    const rows = Math.ceil(this.#shown.view.width / FILTER_COLUMNS);
    const [row, column] = cellAt(event, rows, FILTER_COLUMNS);
    const chosen = this.#shown.order[row * FILTER_COLUMNS + column];
    if (chosen !== undefined) this.#pickChannel(chosen);
  }

  /** @param {MouseEvent} event */
  #clickOverview(event) {
    if (!this.#shown) return;
    const { rows, columns } = this.#shown.view.picture;
    const step = strideOf(columns);
    const [row, column] = cellAt(event, Math.ceil(rows / step), Math.ceil(columns / step));
    this.#pickToken(1 + row * step * columns + column * step);
  }
}

/** What the sum of all products becomes. @param {number} sum @param {number} bias @param {number} computed by the network */
export function sumText(sum, bias, computed) {
  const left = `${digits(sum)} ${bias < 0 ? "−" : "+"} ${digits(Math.abs(bias))}`;
  return ` is ${digits(sum)}; with the bias: ${equation(left, sum + bias, digits)}. The network computed ${digits(computed)}.`;
}

/** A number, its weight and their product. @param {number} value @param {number} weight */
export const productTexts = (value, weight) => [value, weight, value * weight].map(digits);

/** @param {number} columns */
const strideOf = (columns) => Math.ceil(columns / MAPS_ACROSS);

/** Row and column of a click on a grid that fills a node. @param {MouseEvent} event @param {number} rows @param {number} columns */
function cellAt(event, rows, columns) {
  const area = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
  const cell = (/** @type {number} */ offset, /** @type {number} */ whole, /** @type {number} */ count) =>
    Math.min(count - 1, Math.max(0, Math.floor((offset / whole) * count)));
  return [cell(event.clientY - area.top, area.height, rows), cell(event.clientX - area.left, area.width, columns)];
}

/** @param {number} index @param {number} side */
function pixelName(index, side) {
  const pixel = Math.floor(index / 3);
  return `pixel ${Math.floor(pixel / side) + 1}, ${(pixel % side) + 1}, ${COLORS[index % 3]}`;
}

/** @param {Float32Array} filters @param {number} channel @param {number} side */
const filterOf = (filters, channel, side) =>
  filters.subarray(channel * side * side * 3, (channel + 1) * side * side * 3);

/** @param {Float32Array} filters @param {number} width @param {number} side */
function smoothestFirst(filters, width, side) {
  const rough = Array.from({ length: width }, (_, channel) => roughness(filterOf(filters, channel, side), side));
  return [...rough.keys()].sort((a, b) => rough[a] - rough[b]);
}

/** The filter with the largest weights among the smoothest ones. @param {Shown} shown */
function strongest({ filters, order, view: { side } }) {
  const size = (/** @type {number} */ channel) =>
    dot(filterOf(filters, channel, side), filterOf(filters, channel, side));
  return order.slice(0, FILTER_COLUMNS).reduce((best, channel) => (size(channel) > size(best) ? channel : best));
}

/** @param {Float32Array} filters @param {number[]} order @param {number} side */
function overviewOf(filters, order, side) {
  const cell = side + 2;
  const canvas = element("canvas", {
    width: FILTER_COLUMNS * cell,
    height: Math.ceil(order.length / FILTER_COLUMNS) * cell,
  });
  const [context, small] = [contextOf(canvas), element("canvas")];
  order.forEach((channel, place) => {
    const weights = filterOf(filters, channel, side);
    const limit = sized(weights);
    paintCells(small, side, side, (pixel) => tinted(weights, limit, pixel));
    context.drawImage(small, (place % FILTER_COLUMNS) * cell + 1, Math.floor(place / FILTER_COLUMNS) * cell + 1);
  });
  return canvas;
}

/** @param {HTMLImageElement} bitmap */
function pixelsOf(bitmap) {
  const canvas = element("canvas", { width: bitmap.naturalWidth, height: bitmap.naturalHeight });
  contextOf(canvas).drawImage(bitmap, 0, 0);
  return contextOf(canvas).getImageData(0, 0, canvas.width, canvas.height).data;
}

/** @param {Float32Array} products @param {Float32Array} numbers @param {Float32Array} weights @param {number} side */
function largestProducts(products, numbers, weights, side) {
  const order = [...products.keys()].sort((a, b) => Math.abs(products[b]) - Math.abs(products[a])).slice(0, LARGEST);
  const row = (/** @type {string[]} */ cells, /** @type {"td" | "th"} */ tag) =>
    element("tr", {}, ...cells.map((text) => element(tag, {}, text)));
  return [
    row(["largest products", "number", "weight", "product, rounded"], "th"),
    ...order.map((at) => row([pixelName(at, side), ...productTexts(numbers[at], weights[at])], "td")),
  ];
}
