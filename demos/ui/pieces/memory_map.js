// A memory over time: one column for each character, one row for each unit, the characters under the columns.
//
// Only new columns are painted: the canvas has room for more of them than are shown, and its frame hides the rest.

import { contextOf, fit, onTheme, onWidth } from "../core/canvas.js";
import { element, say } from "../core/dom.js";
import { clamp, onCells } from "../core/keys.js";
import { role } from "../core/ramps.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

const LEAST_COLUMNS = 48;
const LEAST_ROOM = 64;
const SHADES = 256;
const NAMED_ROWS = 32; // so few rows are tall, and named
const ROW_PIXELS = 15;
const GLYPH = 7; // pixels that a character needs
const LETTERS = 20; // height of the line of characters
const TYPE = "ui-monospace, Menlo, Consolas, monospace";

/** @typedef {{ place: number, unit: number }} Cell */

/** @param {number} count characters */
export const columnsShown = (count) => Math.max(LEAST_COLUMNS, count);

/** How many columns a canvas for so many has room for. @param {number} count */
export function roomFor(count) {
  let room = LEAST_ROOM;
  while (room < count) room *= 2;
  return room;
}

/**
 * Which characters are written under the columns: all where they fit, else as many as fit around `place`.
 * @param {number} count @param {number} place @param {number} width pixels
 * @returns {[number, number, boolean]} the first, one past the last, and whether each stands under its column
 */
export function lettersShown(count, place, width) {
  if (width / columnsShown(count) >= GLYPH) return [0, count, true];
  const fitting = Math.min(count, Math.floor(width / GLYPH));
  const first = Math.max(0, Math.min(count - fitting, place - Math.floor(fitting / 2)));
  return [first, first + fitting, false];
}

/** What is written for a character; a space is seen only where it is `here`. @param {string} character @param {boolean} here */
const glyphOf = (character, here) => (character === "\n" ? "⏎" : here && character === " " ? "␣" : character);

/** Width of a character of one pixel's size: all have the same. @param {CanvasRenderingContext2D} context */
function advanceOf(context) {
  context.font = `100px ${TYPE}`;
  return context.measureText("0").width / 100;
}

/**
 * The characters from `first` to `end`, each with its place; where they stand `close`, those that are surely equally wide
 * as one text, which is drawn at once. `here` stands alone.
 * @param {string[]} glyphs @param {number} first @param {number} end @param {number} here @param {boolean} close
 * @returns {[number, string][]}
 */
export function runsOf(glyphs, first, end, here, close) {
  /** @type {[number, string][]} */
  const runs = [];
  let open = false;
  for (let place = first; place < end; place++) {
    const plain = close && place !== here && /^[ -~]$/.test(glyphs[place]);
    if (plain && open) runs[runs.length - 1][1] += glyphs[place];
    else runs.push([place, glyphs[place]]);
    open = plain;
  }
  return runs;
}

/**
 * Colours of -limit to limit as pixels.
 * @param {(value: number) => number[]} color @param {number} limit
 */
function paletteOf(color, limit) {
  return Uint32Array.from({ length: SHADES + 1 }, (_, index) => {
    const [red, green, blue] = color(((2 * index) / SHADES - 1) * limit);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

export class MemoryMap {
  /** @type {Float32Array[]} */ #columns = [];
  /** @type {number[]} row to unit */ #order = [];
  /** @type {Uint32Array} */ #palette = new Uint32Array(SHADES + 1);
  /** @type {number[]} of each row */ #limits = [];
  /** @type {string[]} */ #characters = [];
  /** @type {(value: number) => number[]} */ #color = () => [0, 0, 0];
  /** @type {string[] | null} of the marked character and the others, as the page shows them now */ #inks = null;
  /** The line of characters, off the page: a font set on it lays out the page at once. */
  #drawn = element("canvas");
  #place = 0;
  #width = 0; // pixels of the frame
  #written = ""; // what the line of characters shows
  #named = "";
  #writing = false;
  #advance = 0; // of the font

  /**
   * @param {HTMLElement} root
   * @param {{ onHover: (cell: Cell | null) => void, onPick: (cell: Cell) => void }} told
   */
  constructor(root, { onHover, onPick }) {
    root.classList.add("mm");
    this.names = element("div", { class: "mm-names", "aria-hidden": "true" });
    this.frame = element("div", { class: "mm-frame" });
    this.letters = element("canvas", { class: "mm-letters", "aria-hidden": "true" });
    this.canvas = element("canvas", { class: "cells" });
    this.column = element("div", { class: "mm-column" });
    this.row = element("div", { class: "mm-row" });
    this.frame.append(this.canvas, this.column, this.row);
    root.replaceChildren(this.names, this.frame, this.letters);
    this.canvas.addEventListener("pointermove", (event) => onHover(this.#cellAt(event)));
    this.canvas.addEventListener("pointerleave", () => onHover(null));
    this.canvas.addEventListener("click", (event) => {
      const cell = this.#cellAt(event);
      if (cell) onPick(cell);
    });
    onCells(this.canvas, {
      name: "Memory over time, a row for each unit: arrow keys move over its cells, Enter picks one",
      size: () => [this.#order.length, this.#columns.length],
      over: (row, place) => onHover({ place, unit: this.#order[row] }),
      pick: (row, place) => onPick({ place, unit: this.#order[row] }),
      away: () => onHover(null),
    });
    onWidth(this.frame, (width) => {
      this.#width = width;
      this.#writeSoon(true);
    });
    onTheme(() => {
      this.#inks = null;
      this.show(this.#columns, this.#characters, this.#order, this.#color, this.#limits, 0);
    });
  }

  /**
   * @param {Float32Array[]} columns by character, values by unit @param {string[]} characters
   * @param {number[]} order of the units, from the top @param {(value: number) => number[]} color of -1 to 1
   * @param {number[]} limits of each row: its values are from -limit to limit
   * @param {number} kept how many columns are drawn already, in this order and these colours
   */
  show(columns, characters, order, color, limits, kept) {
    [this.#columns, this.#characters, this.#order, this.#limits] = [columns, characters, order, limits];
    this.#color = color;
    if (!kept) this.#palette = paletteOf(color, 1);
    this.#name();
    this.#paint(kept);
    this.#writeSoon(true);
  }

  /** @param {number} place @param {number | null} unit */
  mark(place, unit) {
    const shown = columnsShown(this.#columns.length);
    this.#place = place;
    this.column.style.width = `${100 / shown}%`;
    this.column.style.transform = `translateX(${100 * place}%)`;
    const row = unit === null ? -1 : this.#order.indexOf(unit);
    this.row.hidden = row < 0;
    if (row >= 0) this.row.style.top = `${(100 * (row + 0.5)) / this.#order.length}%`;
    this.#writeSoon();
  }

  /** Names the rows where they are few. */
  #name() {
    const few = this.#order.length <= NAMED_ROWS;
    const names = few ? this.#order.join() : "";
    if (names === this.#named && this.canvas.style.height) return;
    this.#named = names;
    this.canvas.style.height = few ? `${ROW_PIXELS * this.#order.length}px` : "";
    this.names.hidden = !few;
    const shown = few ? this.#order : [];
    while (this.names.childElementCount > shown.length) this.names.lastChild?.remove();
    while (this.names.childElementCount < shown.length) this.names.append(element("span"));
    shown.forEach((unit, row) => {
      say(this.names.children[row], String(unit));
    });
  }

  /** @param {number} kept */
  #paint(kept) {
    const { canvas } = this;
    const [count, units] = [this.#columns.length, this.#order.length];
    if (!count) return;
    const room = roomFor(count);
    const anew = canvas.width !== room || canvas.height !== units;
    if (anew) [canvas.width, canvas.height] = [room, units];
    canvas.style.width = `${(100 * room) / columnsShown(count)}%`;
    const first = anew ? 0 : kept;
    const context = contextOf(canvas);
    context.clearRect(first, 0, room - first, units);
    if (first < count) context.putImageData(this.#pixels(first), first, 0);
  }

  /** The columns from `first` on as a picture. @param {number} first */
  #pixels(first) {
    const width = this.#columns.length - first;
    const image = new ImageData(width, this.#order.length);
    const pixels = new Uint32Array(image.data.buffer);
    const half = SHADES / 2;
    for (let index = 0; index < width; index++) {
      const column = this.#columns[first + index];
      this.#order.forEach((unit, row) => {
        const share = Math.max(-1, Math.min(1, column[unit] / this.#limits[row]));
        pixels[row * width + index] = this.#palette[Math.round(share * half) + half];
      });
    }
    return image;
  }

  /** Writes the characters when all that is drawn with them is, if they are not there already. @param {boolean} [anew] */
  #writeSoon(anew = false) {
    if (anew) this.#written = "";
    if (this.#writing) return;
    this.#writing = true;
    queueMicrotask(() => {
      this.#writing = false;
      this.#write();
    });
  }

  #write() {
    const [count, width, here] = [this.#characters.length, this.#width, this.#place];
    if (!count || !width) return;
    const [first, end, under] = lettersShown(count, here, width);
    const written = `${first} ${end} ${here}`;
    if (written === this.#written) return;
    this.#written = written;
    const context = fit(this.#drawn, width, LETTERS);
    const wide = under ? width / columnsShown(count) : width / (end - first);
    this.#advance ||= advanceOf(context);
    context.font = `${under ? clamp(wide * 1.5, 10, 13) : wide / this.#advance}px ${TYPE}`;
    this.#inks ??= [role("ink"), role("subtle")];
    const glyphs = this.#characters.map((character, place) => glyphOf(character, place === here));
    for (const [place, text] of runsOf(glyphs, first, end, here, !under)) {
      const left = (place - first) * wide;
      context.fillStyle = this.#inks[place === here ? 0 : 1];
      context.textAlign = text.length > 1 ? "left" : "center";
      context.fillText(text, text.length > 1 ? left : left + wide / 2, 13);
      if (place === here) context.fillRect(left, 17, Math.max(2, wide), 2);
    }
    fit(this.letters, width, LETTERS).drawImage(this.#drawn, 0, 0, width, LETTERS);
  }

  /** @param {MouseEvent} event @returns {Cell | null} */
  #cellAt(event) {
    const box = this.frame.getBoundingClientRect();
    const shown = columnsShown(this.#columns.length);
    const place = Math.floor(((event.clientX - box.left) / box.width) * shown);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.#order.length);
    const outside = place < 0 || place >= this.#columns.length || row < 0 || row >= this.#order.length;
    return outside ? null : { place, unit: this.#order[row] };
  }
}
