// One map of weights, rows x columns, with its labels where there is room for them. Colour grows with the square root.

import { contextOf, fit, fitText } from "../core/canvas.js";
import { onCells } from "../core/keys.js";
import { role, sequential } from "../core/ramps.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

/** @typedef {ArrayLike<number>} Weights  0 to 1, in row-major order */
/** @typedef {{ row: number, column: number }} Place */

/**
 * @typedef {object} HeatMapView
 * @property {number} rows
 * @property {number} columns
 * @property {string[]} rowLabels
 * @property {string[]} columnLabels
 * @property {Weights} weights
 * @property {number | null} row  the outlined one
 * @property {number | null} [column]
 *
 * @typedef {object} Layout  CSS pixels
 * @property {boolean} labelled
 * @property {number} left
 * @property {number} top
 * @property {number} size  of a cell
 * @property {number} width  of all
 * @property {number} height
 */

const [LEAST_LABELLED, MAX_SIDE, MAX_CELL] = [12, 820, 56];
const [LABELS_LEFT, LABELS_TOP, LABELS_RIGHT, MARGIN] = [84, 74, 24, 2];
const SMOOTH_FROM = 40;

/** @type {Uint32Array | null} */
let table = null;

/** Colours of 0, 1/256, ... 1 as the bytes of a pixel. */
function colors() {
  table ??= Uint32Array.from({ length: 257 }, (_, step) => {
    const [red, green, blue] = sequential(step / 256);
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });
  return table;
}

/**
 * A map as small as it is: one pixel a weight; style sheets make it larger.
 * @param {HTMLCanvasElement} canvas @param {Weights} weights @param {number} rows @param {number} columns
 */
export function paintMap(canvas, weights, rows, columns) {
  const lookup = colors();
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let index = 0; index < pixels.length; index++)
    pixels[index] = lookup[Math.round(256 * Math.sqrt(weights[index]))];
  [canvas.width, canvas.height] = [columns, rows];
  contextOf(canvas).putImageData(image, 0, 0);
  canvas.style.imageRendering = Math.max(rows, columns) > SMOOTH_FROM ? "auto" : "pixelated";
}

/** Where a map of so many rows and columns lies in a frame. @param {number} rows @param {number} columns @param {number} width @returns {Layout} */
export function layoutOf(rows, columns, width) {
  const wide = Math.min(width, MAX_SIDE);
  const besideLabels = Math.min((wide - LABELS_LEFT - LABELS_RIGHT) / columns, MAX_CELL);
  const labelled = besideLabels >= LEAST_LABELLED;
  const size = labelled ? besideLabels : Math.min((wide - 2 * MARGIN) / columns, MAX_CELL);
  const [left, top, right] = labelled ? [LABELS_LEFT, LABELS_TOP, LABELS_RIGHT] : [MARGIN, MARGIN, MARGIN];
  return { labelled, left, top, size, width: left + size * columns + right, height: top + size * rows + MARGIN };
}

export class HeatMap {
  /** @type {(Layout & { rows: number, columns: number }) | null} */ #drawn = null;
  #cells = document.createElement("canvas");

  /**
   * @param {HTMLCanvasElement} canvas  alone in a frame as wide as it may get
   * @param {{ onHover: (at: Place | null) => void, onPick: (at: Place) => void }} options
   */
  constructor(canvas, { onHover, onPick }) {
    canvas.parentElement?.classList.add("hm-frame");
    this.canvas = canvas;
    canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && onHover(this.#place(event)));
    canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && onHover(null));
    canvas.addEventListener("click", (event) => {
      const at = this.#place(event);
      if (at) onPick(at);
    });
    onCells(canvas, {
      name: "Map of weights: arrow keys move over its cells, Enter picks one",
      size: () => [this.#drawn?.rows ?? 0, this.#drawn?.columns ?? 0],
      over: (row, column) => onHover({ row, column }),
      pick: (row, column) => onPick({ row, column }),
      away: () => onHover(null),
    });
  }

  /** Draws nothing while its frame is not on the page. @param {HeatMapView} map */
  show(map) {
    const width = this.canvas.parentElement?.clientWidth;
    if (!width) return;
    const { rows, columns, weights } = map;
    const layout = layoutOf(rows, columns, width);
    Object.assign(this.canvas.style, { width: `${layout.width}px`, height: `${layout.height}px` });
    const context = fit(this.canvas, layout.width, layout.height);
    paintMap(this.#cells, weights, rows, columns);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#cells, layout.left, layout.top, layout.size * columns, layout.size * rows);
    if (layout.labelled) this.#labels(context, layout, map);
    outline(context, layout, map);
    this.#drawn = { ...layout, rows, columns };
  }

  /** @param {CanvasRenderingContext2D} context @param {Layout} layout @param {HeatMapView} map */
  #labels(context, { left, top, size }, { rowLabels, columnLabels }) {
    context.font = `${Math.min(13, Math.max(12, size - 2))}px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillStyle = role("query");
    rowLabels.forEach((text, row) => {
      context.fillText(fitText(context, text, left - 8), left - 5, top + (row + 0.5) * size);
    });
    context.textAlign = "left";
    context.fillStyle = role("key");
    columnLabels.forEach((text, column) => {
      context.save();
      context.translate(left + (column + 0.5) * size, top - 5);
      context.rotate(-Math.PI / 3);
      context.fillText(fitText(context, text, top - 4), 0, 0);
      context.restore();
    });
  }

  /** @param {MouseEvent} event @returns {Place | null} */
  #place({ offsetX, offsetY }) {
    if (!this.#drawn) return null;
    const { left, top, size, rows, columns } = this.#drawn;
    const [row, column] = [Math.floor((offsetY - top) / size), Math.floor((offsetX - left) / size)];
    return row < 0 || row >= rows || column >= columns ? null : { row, column: Math.max(0, column) };
  }
}

/** @param {CanvasRenderingContext2D} context @param {Layout} layout @param {HeatMapView} map */
function outline(context, { left, top, size }, { rows, columns, row, column = null }) {
  context.lineWidth = 2;
  if (row !== null) {
    context.strokeStyle = role("query");
    context.strokeRect(left - 1, top + row * size - 1, size * columns + 2, size + 2);
  }
  if (column !== null) {
    context.strokeStyle = role("key");
    context.strokeRect(left + column * size - 1, top - 1, size + 2, size * rows + 2);
  }
}
