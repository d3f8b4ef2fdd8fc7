// Tokens that lie on a picture: patches are hovered and picked on it, CLS (token 0) is a button beside it. The shading's
// scale goes from 0 to the largest patch.

import { image } from "../core/arrays.js";
import { contextOf, paintScale } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { clamp, onArrows } from "../core/keys.js";
import { sequential } from "../core/ramps.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

/** @typedef {{ image: string, rows: number, columns: number }} Picture  an address, and the grid on it */
/** @typedef {(token: number) => number} Share  any number from 0 up */
/** @typedef {(token: number) => number[]} Paint  [red, green, blue, opacity 0 to 1] */

const SIDE = 448;
/** @typedef {[number, string][]} Strokes  width and colour, the lowest first */
/** @type {Strokes} */ const GRID = [[1, "rgba(255,255,255,.35)"]];
/** @type {Strokes} */ const HOVERED = [[2, "rgba(255,255,255,.9)"]];
/** @type {Strokes} */ const CHOSEN = [
  [5, "#0f172a"],
  [3, "#93c5fd"],
];
/** @type {Strokes} */ const MARKED = [
  [5, "#0f172a"],
  [3, "#f0abfc"],
];
const TEMPLATE = `
  <canvas class="pt-picture" tabindex="0" role="img" width="${SIDE}" height="${SIDE}"></canvas>
  <div class="pt-controls"><button class="gb-chip pt-cls" type="button">CLS</button>
  <button class="gb-chip pt-grid" type="button" aria-pressed="true">grid</button>
  <span class="gb-scale pt-scale"><span>0</span> <canvas width="90" height="8"></canvas> <span class="pt-largest"></span> colour grows with the square root</span></div>`;

/** Name of a patch (token 1 is the first). @param {number} token @param {number} columns */
export const patchName = (token, columns) =>
  `row ${Math.floor((token - 1) / columns) + 1}, column ${((token - 1) % columns) + 1}`;

/** `show(picture)`, then `shade(share or null, chosen)` or `color(paint or null, chosen, marked)`. */
export class PictureTokens {
  /** @type {Picture | null} */ #picture = null;
  /** @type {HTMLImageElement | null} */ #image = null;
  /** @type {Share | null} */ #share = null;
  /** @type {Paint | null} */ #paint = null;
  /** @type {number | null} */ #marked = null;
  /** @type {number | null} */ #hovered = null;
  #chosen = 0;

  /**
   * @param {HTMLElement} root
   * @param {{ onHover: (token: number | null) => void, onPick: (token: number) => void, cls?: boolean }} options
   *   without `cls` there is no CLS, and a patch stays chosen when it is picked again
   */
  constructor(root, { onHover, onPick, cls = true }) {
    root.innerHTML = TEMPLATE;
    this.root = root;
    this.onHover = onHover;
    this.onPick = onPick;
    this.cls = cls;
    this.canvas = /** @type {HTMLCanvasElement} */ (find(root, ".pt-picture"));
    this.grid = /** @type {HTMLElement} */ (find(root, ".pt-grid"));
    find(root, ".pt-cls").hidden = !cls;
    find(root, ".pt-cls").addEventListener("click", () => onPick(0));
    paintScale(find(root, ".pt-scale canvas"), sequential);
    this.#listen();
  }

  /** @param {Picture} picture */
  async show(picture) {
    const decoded = await image(picture.image);
    [this.#picture, this.#image, this.#hovered] = [picture, decoded, null];
    this.#draw();
  }

  /** @param {Share | null} how @param {number} chosen */
  shade(how, chosen) {
    [this.#share, this.#paint, this.#marked] = [how, null, null];
    this.#choose(chosen);
  }

  /** @param {Paint | null} how @param {number} chosen @param {number | null} mark */
  color(how, chosen, mark = null) {
    [this.#share, this.#paint, this.#marked] = [null, how, mark];
    this.#choose(chosen);
  }

  #listen() {
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && this.#picture) this.#hover(this.#tokenAt(this.#picture, event));
    });
    this.canvas.addEventListener("pointerleave", () => this.#hover(null));
    this.canvas.addEventListener("click", (event) => {
      if (!this.#picture) return;
      const token = this.#tokenAt(this.#picture, event);
      this.onPick(this.cls && token === this.#chosen ? 0 : token);
    });
    onArrows(this.canvas, (across, down) => {
      if (!this.#picture || !Number.isFinite(across)) return;
      const { rows, columns } = this.#picture;
      const next = this.#chosen ? this.#chosen + across + down * columns : 1;
      if (next >= 1 && next <= rows * columns) this.onPick(next);
    });
    this.grid.addEventListener("click", () => {
      this.grid.setAttribute("aria-pressed", String(this.grid.getAttribute("aria-pressed") !== "true"));
      this.#draw();
    });
  }

  /** @param {Picture} picture @param {MouseEvent} event */
  #tokenAt({ rows, columns }, event) {
    const area = this.canvas.getBoundingClientRect();
    /** @param {number} offset @param {number} whole @param {number} cells */
    const cell = (offset, whole, cells) => clamp(Math.floor((offset / whole) * cells), 0, cells - 1);
    const row = cell(event.clientY - area.top, area.height, rows);
    return 1 + row * columns + cell(event.clientX - area.left, area.width, columns);
  }

  /** @param {number | null} token */
  #hover(token) {
    if (token === this.#hovered) return;
    this.#hovered = token;
    this.#draw();
    this.onHover(token);
  }

  /** @param {number} token */
  #choose(token) {
    this.#chosen = token;
    const none = this.cls ? "CLS" : "none";
    const name = token && this.#picture ? patchName(token, this.#picture.columns) : none;
    this.canvas.setAttribute("aria-label", `The picture's patches; chosen: ${name}. Arrow keys move it`);
    this.#draw();
  }

  #draw() {
    const picture = this.#picture;
    if (!this.#image || !picture) return;
    const context = contextOf(this.canvas);
    const tokens = Array.from({ length: picture.rows * picture.columns }, (_, index) => index + 1);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#image, 0, 0, SIDE, SIDE);
    const largest = this.#share ? Math.max(0, ...tokens.map(this.#share)) : 0;
    const paint = this.#paint ?? (this.#share && shading(this.#share, largest || 1));
    if (paint) fill(context, picture, tokens, paint);
    if (this.grid.getAttribute("aria-pressed") === "true")
      for (const token of tokens) outline(context, picture, token, GRID);
    if (this.#hovered) outline(context, picture, this.#hovered, HOVERED);
    if (this.#marked) outline(context, picture, this.#marked, MARKED);
    if (this.#chosen) outline(context, picture, this.#chosen, CHOSEN);
    find(this.root, ".pt-scale").hidden = !this.#share;
    find(this.root, ".pt-largest").textContent = largest.toPrecision(2);
    find(this.root, ".pt-cls").setAttribute("aria-pressed", String(this.#chosen === 0));
  }
}

/** @param {Picture} picture @param {number} token @returns {[number, number, number, number]} */
function boxOf({ rows, columns }, token) {
  const [width, height] = [SIDE / columns, SIDE / rows];
  return [((token - 1) % columns) * width, Math.floor((token - 1) / columns) * height, width, height];
}

/** @param {CanvasRenderingContext2D} context @param {Picture} picture @param {number[]} tokens @param {Paint} paint */
function fill(context, picture, tokens, paint) {
  for (const token of tokens) {
    context.fillStyle = `rgba(${paint(token).join()})`;
    context.fillRect(...boxOf(picture, token));
  }
}

/** @param {CanvasRenderingContext2D} context @param {Picture} picture @param {number} token @param {Strokes} strokes */
function outline(context, picture, token, strokes) {
  for (const [width, style] of strokes) {
    [context.lineWidth, context.strokeStyle] = [width, style];
    context.strokeRect(...boxOf(picture, token));
  }
}

/** @param {Share} share @param {number} largest @returns {Paint} */
const shading = (share, largest) => (token) => {
  const part = Math.sqrt(share(token) / largest);
  return [...sequential(part), 0.25 + 0.5 * part];
};
