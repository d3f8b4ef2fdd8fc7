// A text as a recurrent network met it, kept up to date: each view says what it adds to the version before it.

import { load, part } from "../core/arrays.js";

/** @typedef {import("../types.js").ReaderView} ReaderView */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

/**
 * @typedef {object} Met  one character
 * @property {string} character  as typed
 * @property {string} read  as the network read it
 * @property {number} surprise  bits
 * @property {string[]} best  the likeliest next characters
 * @property {ArrayLike<number>} probabilities  of them
 * @property {Float32Array} column  the values of the shown layer
 *
 * @typedef {object} Arrays
 * @property {NumericArray} symbols
 * @property {NumericArray} surprise
 * @property {NumericArray} best
 * @property {NumericArray} probabilities
 * @property {NumericArray} columns
 */

export const UNKNOWN = "\ufffd";

/** The arrays of a view. @param {ReaderView} view @returns {Promise<Arrays>} */
export async function arraysOf(view) {
  const handles = [view.symbols, view.surprise, view.best, view.probabilities, view.columns];
  const [symbols, surprise, best, probabilities, columns] = await Promise.all(handles.map(load));
  return { symbols, surprise, best, probabilities, columns };
}

export class Reading {
  /** @type {Met[]} */ characters = [];
  version = "";

  /** Whether a view can be added to what is here. @param {ReaderView} view */
  accepts(view) {
    return view.kept === 0 || view.base === this.version;
  }

  /** @param {ReaderView} view @param {Arrays} arrays */
  apply(view, arrays) {
    const alphabet = Array.from(view.alphabet);
    const added = Array.from(view.text, (character, index) => ({
      character,
      read: alphabet[arrays.symbols.data[index]],
      surprise: arrays.surprise.data[index],
      best: Array.from(part(arrays.best, index).data, (symbol) => alphabet[symbol]),
      probabilities: part(arrays.probabilities, index).data,
      column: /** @type {Float32Array} */ (part(arrays.columns, index).data),
    }));
    this.characters = [...this.characters.slice(0, view.kept), ...added];
    this.version = view.version;
  }

  /** The text without the line break before it. */
  get text() {
    return this.#first(Infinity).slice(1);
  }

  /** What `text` is once a view is applied. @param {ReaderView} view */
  textWith({ kept, text }) {
    return (this.#first(kept) + text).slice(1);
  }

  /** @param {number} count */
  #first(count) {
    return this.typed.slice(0, count).join("");
  }

  /** Each character as typed. */
  get typed() {
    return this.characters.map(({ character }) => character);
  }

  get last() {
    return this.characters.length - 1;
  }
}

/**
 * How slowly each unit changes: the range it covers in a text over the way it makes from character to character, 0 where
 * it never moves. A text that goes on is taken up where it ended: only what is new is looked at.
 */
export class Slowness {
  /** @type {Float32Array[]} */ #known = [];
  #path = new Float64Array();
  #low = new Float64Array();
  #high = new Float64Array();

  /** @param {Float32Array[]} columns by character @param {number} units @returns {Float64Array} */
  of(columns, units) {
    const goesOn = units === this.#path.length && this.#known.every((column, place) => column === columns[place]);
    if (!goesOn) {
      this.#path = new Float64Array(units);
      this.#low = new Float64Array(units).fill(Infinity);
      this.#high = new Float64Array(units).fill(-Infinity);
    }
    for (let place = goesOn ? this.#known.length : 0; place < columns.length; place++)
      this.#add(columns[place], columns[place - 1]);
    this.#known = columns;
    return this.#path.map((path, unit) => (path ? (this.#high[unit] - this.#low[unit]) / path : 0));
  }

  /** @param {Float32Array} column @param {Float32Array} [before] */
  #add(column, before) {
    for (let unit = 0; unit < this.#path.length; unit++) {
      this.#low[unit] = Math.min(this.#low[unit], column[unit]);
      this.#high[unit] = Math.max(this.#high[unit], column[unit]);
      if (before) this.#path[unit] += Math.abs(column[unit] - before[unit]);
    }
  }
}

/** Places of values, largest first; equal ones in their order. @param {ArrayLike<number>} values */
export const largestFirst = (values) =>
  Array.from(values, (_, place) => place).sort((a, b) => values[b] - values[a] || a - b);

/** How surprised the network was by a text, in a sentence. @param {Met[]} characters the line break before it first */
export function summaryOf(characters) {
  const last = characters.length - 1;
  if (!last) return "Nothing is typed yet: the network has read one line break and expects a text to begin.";
  const bits = characters.reduce((sum, { surprise }) => sum + surprise, 0);
  const unknown = characters.filter(({ read }) => read === UNKNOWN).length;
  const outside = unknown ? `; ${unknown} outside the alphabet, read as “unknown”.` : ".";
  return `${last} characters, ${bits.toFixed(0)} bits of surprise: ${(bits / last).toFixed(2)} bits per character${outside}`;
}

const COMPARED = 64; // characters, the last ones

/**
 * Units in an order in which those that move alike, or against each other, stand together: from the first one always on
 * to the one that is most alike of those left (Pearson correlation over the last characters, without its sign).
 * @param {Float32Array[]} columns by character @param {number[]} units
 */
export function alikeTogether(columns, units) {
  const some = columns.slice(-COMPARED);
  const rows = units.map((unit) => centred(some.map((column) => column[unit])));
  const left = units.map((_, row) => row);
  const order = [];
  let at = left.shift();
  while (at !== undefined) {
    order.push(units[at]);
    let [best, most] = [0, -1];
    left.forEach((row, index) => {
      const same = Math.abs(product(rows[/** @type {number} */ (at)], rows[row]));
      if (same > most) [best, most] = [index, same];
    });
    at = left.splice(best, 1)[0];
  }
  return order;
}

/** Values less their mean, of length 1 where they differ. @param {number[]} values */
function centred(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const rest = values.map((value) => value - mean);
  const length = Math.sqrt(product(rest, rest));
  return rest.map((value) => (length > 1e-9 ? value / length : 0));
}

/** @param {number[]} one @param {number[]} other */
const product = (one, other) => one.reduce((sum, value, place) => sum + value * other[place], 0);
