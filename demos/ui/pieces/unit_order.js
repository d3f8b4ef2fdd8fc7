// Which units of a memory are rows of its map, in which order, and the end of each row's scale.

import { find } from "../core/dom.js";
import { alikeTogether, largestFirst, Slowness } from "./reading.js";

const FEW = 24;
const LEAST_LIMIT = 1e-3;

export class UnitOrder {
  /** @type {number[]} */ #order = [];
  /** @type {number[]} */ #limits = [];
  /** @type {number[]} */ #found = [];
  #slowness = new Slowness();
  #how = ""; // what the last order was made of

  /** @param {HTMLElement} root with the controls `.amount`, `.ordering` and `.own` */
  constructor(root) {
    this.root = root;
  }

  /** Whether each row has its own scale. */
  get own() {
    return find(this.root, ".own").checked;
  }

  /** Rows are these units, in this order. @param {number[]} units */
  choose(units) {
    this.#found = units;
    find(this.root, ".ordering option[value=found]").hidden = false;
    find(this.root, ".ordering").value = "found";
    find(this.root, ".amount").value = "few";
  }

  /**
   * @param {Float32Array[]} columns by character @param {number} units
   * @param {{ place: number, followed: number | null, limit: number, signed: boolean }} shown
   * @returns {{ order: number[], limits: number[], same: boolean }} same: as the last time
   */
  of(columns, units, { place, followed, limit, signed }) {
    const order = this.#rows(columns, units, place);
    if (followed !== null && !order.includes(followed)) order.unshift(followed);
    const own = signed && this.own;
    const limits = order.map((unit) => (own ? largestOf(columns, unit) : limit));
    const same = equal(order, this.#order) && equal(limits, this.#limits);
    [this.#order, this.#limits] = [order, limits];
    return { order, limits, same };
  }

  /** @param {Float32Array[]} columns @param {number} units @param {number} place */
  #rows(columns, units, place) {
    const [how, amount] = [find(this.root, ".ordering").value, find(this.root, ".amount").value];
    const few = amount === "few" ? FEW : units;
    if (how === "found") return this.#found.filter((unit) => unit < units).slice(0, few);
    if (how === "stored") return Array.from({ length: Math.min(few, units) }, (_, unit) => unit);
    if (how === "value") return largestFirst(columns[place]).slice(0, few);
    const made = `${how} ${few} ${units}`;
    if (how === "alike" && made === this.#how) return this.#order.filter((unit) => unit < units); // not at each key
    this.#how = made;
    const slow = largestFirst(this.#slowness.of(columns, units)).slice(0, few);
    return how === "alike" ? alikeTogether(columns, slow) : slow;
  }
}

/** @param {Float32Array[]} columns @param {number} unit */
function largestOf(columns, unit) {
  let largest = LEAST_LIMIT;
  for (const column of columns) largest = Math.max(largest, Math.abs(column[unit]));
  return largest;
}

/** @param {number[]} one @param {number[]} other */
const equal = (one, other) => one.length === other.length && one.every((value, index) => value === other[index]);
