// One head with what the visitor changed in it: weights of single tokens, a temperature; and each number in words.

import { equation, signOf } from "../core/arithmetic.js";
import { largestSize, load, part } from "../core/arrays.js";
import { quoted } from "../core/format.js";
import { named } from "./named.js";
import { digits, factor, mix, products, renormalise, softmax, terms } from "./sum_arithmetic.js";

/** @typedef {import("../types.js").SumView} SumView */
/** @typedef {import("./sum_arithmetic.js").Row} Row */
/** @typedef {"q" | "k" | "v" | "b" | "o"} Block  query, key, value, the sum before, the sum now */
/**
 * @typedef {object} Numbers  of one token that looks
 * @property {boolean[]} visible
 * @property {Row} raw  q·k
 * @property {Row} scaled  divided by the root of d
 * @property {Row} first  weights as the network has them
 * @property {Row} heated  at the temperature chosen
 * @property {Row} weights  as they are now
 * @property {Row} before  the sum as the network has it
 * @property {Row} after
 */

/** @param {import("../core/arrays.js").NumericArray} array @returns {Row[]} */
const rowsOf = (array) => Array.from({ length: array.shape[0] }, (_, row) => Array.from(part(array, row).data));

/** @param {Row[]} rows */
export const largestOf = (...rows) => Math.max(1e-9, ...rows.map(largestSize));

/** Scores beyond it are written less the largest one: their powers of e are too large or small to be written. */
const LARGEST_POWER = 300;

export class HeadSum {
  /** @type {Map<number, Row>} by query: weights written or dragged */ #own = new Map();
  /** @type {Map<number, Set<number>>} by query: keys whose weights were written and stay */ #kept = new Map();
  temperature = 1;

  /** @param {SumView} view @param {{ q: Row[], k: Row[], v: Row[], hidden: ArrayLike<number> }} arrays */
  constructor(view, { q, k, v, hidden }) {
    this.view = view;
    this.q = q;
    this.k = k;
    this.v = v;
    this.hidden = hidden;
    this.size = q[0].length;
    this.masked = Array.from(hidden).some(Boolean);
    this.limitK = largestOf(...q, ...k);
    this.limitV = largestOf(...v);
  }

  /** @param {SumView} view */
  static async of(view) {
    const [q, k, v, hidden] = await Promise.all([view.q, view.k, view.v, view.hidden].map(load));
    return new HeadSum(view, { q: rowsOf(q), k: rowsOf(k), v: rowsOf(v), hidden: hidden.data });
  }

  /** @param {number} query @returns {Numbers} */
  numbers(query) {
    const { keys } = this.view;
    const visible = keys.map((_, s) => !this.hidden[query * keys.length + s]);
    const raw = products(this.q[query], this.k);
    const scaled = raw.map((value) => value / Math.sqrt(this.size));
    const first = softmax(scaled, visible);
    const heated = this.temperature === 1 ? first : softmax(scaled, visible, this.temperature);
    const weights = this.#own.get(query) ?? heated;
    const [before, after] = [mix(first, this.v), mix(weights, this.v)];
    return { visible, raw, scaled, first, heated, weights, before, after };
  }

  /** Whether the weights of a token were changed by hand. @param {number} query */
  isOwn(query) {
    return this.#own.has(query);
  }

  /** @param {number} query */
  isChanged(query) {
    return this.isOwn(query) || this.temperature !== 1;
  }

  get anyChanged() {
    return this.#own.size > 0 || this.temperature !== 1;
  }

  /** @param {number} query @param {number} key */
  isKept(query, key) {
    return this.#kept.get(query)?.has(key) ?? false;
  }

  /** A weight dragged, or written and then kept. @param {number} query @param {number} key @param {number} value @param {boolean} written */
  change(query, key, value, written) {
    const kept = new Set(this.#kept.get(query));
    kept.delete(key);
    const { weights, visible } = this.numbers(query);
    this.#own.set(query, renormalise(weights, visible, key, value, kept));
    if (written) kept.add(key);
    this.#kept.set(query, kept);
  }

  /** @param {number} query */
  reset(query) {
    this.#own.delete(query);
    this.#kept.delete(query);
  }

  resetAll() {
    this.#own.clear();
    this.#kept.clear();
    this.temperature = 1;
  }

  /** What the server is told. @param {number} query */
  sent(query) {
    const { kind, layer, head } = this.view;
    const rows = [...this.#own].map(([row, weights]) => ({ query: row, weights }));
    return { kind, layer, head, query, temperature: this.temperature, rows };
  }

  /** As it stands in an address. @param {number} query */
  place(query) {
    const { kind, layer, head } = this.view;
    return [kind, layer, head, query].join(".");
  }

  /** What was changed, in words. */
  get changes() {
    const changes = [...this.#own.keys()].map((query) => `weights of ${named(this.view.queries[query], query)}`);
    if (this.temperature !== 1) changes.push(`temperature ${digits(this.temperature)} for every token of this head`);
    return changes.length ? `Changed: ${changes.join("; ")}.` : "";
  }

  /** The way from q·k to a weight, as far as wanted. @param {number} query @param {number} s @param {"raw" | "scaled" | "weight"} upTo */
  rowText(query, s, upTo) {
    const { raw, scaled, visible } = this.numbers(query);
    const root = `√${this.size}`;
    const first = `q·k = ${equation(terms(this.q[query], this.k[s]), raw[s], digits)}`;
    if (upTo === "raw") return first;
    const divided = equation(`${digits(raw[s])} / ${digits(Math.sqrt(this.size))}`, scaled[s], digits);
    const second = `${first}; ÷ ${root} = ${divided}`;
    if (visible[s]) return upTo === "scaled" ? second : `${second}; ${this.#weightText(query, s)}`;
    return upTo === "scaled"
      ? `${second}; the mask makes it −∞: ${quoted(this.view.keys[s])} comes later and is hidden`
      : `${second}; hidden by the mask: the score becomes −∞ and the weight 0`;
  }

  /** @param {number} query @param {number} s */
  #weightText(query, s) {
    const { scaled, visible, first, heated, weights } = this.numbers(query);
    const scores = scaled.map((value) => value / this.temperature);
    const score = scores[s];
    const top = Math.max(...scores.filter((_, key) => visible[key]));
    const off = Math.abs(top) > LARGEST_POWER ? top : 0;
    const powers = scores.map((value, key) => (visible[key] ? Math.exp(value - off) : 0));
    const total = powers.reduce((sum, power) => sum + power, 0);
    const heat = digits(this.temperature);
    const cooled = signOf(`${digits(scaled[s])} / ${heat}`, score, digits);
    const parts = this.temperature === 1 ? [] : [`/ temperature ${heat} ${cooled} ${digits(score)}`];
    const power = off ? `e^(${digits(score)} − ${factor(off)})` : `e^${factor(score)}`;
    const share = equation(`${digits(powers[s])} / ${digits(total)}`, heated[s], digits);
    parts.push(`${power} / Σ ${signOf(power, powers[s], digits)} ${share}`);
    if (off) parts.push("the largest score is taken off all of them, which changes no weight");
    if (this.isOwn(query)) parts.push(`changed by you to ${digits(weights[s])}`);
    else if (this.temperature !== 1) parts.push(`${digits(first[s])} at temperature 1`);
    return parts.join("; ");
  }

  /** One number of a vector. @param {number} query @param {Block} block @param {number} s @param {number} i */
  cellText(query, block, s, i) {
    const place = `[${i + 1}]`;
    const { raw, weights } = this.numbers(query);
    const [q, k, v] = [this.q[query][i], this.k[s]?.[i], this.v[s]?.[i]];
    const key = this.view.keys[s];
    if (block === "q")
      return `q${place} of ${named(this.view.queries[query], query)} = ${digits(q)}, one of ${this.size} numbers`;
    if (block === "k")
      return `k${place} of ${named(key, s)} = ${digits(k)}; q${place}·k${place} = ${equation(`${factor(q)}·${factor(k)}`, q * k, digits)}, one of the ${this.size} terms of q·k = ${digits(raw[s])}`;
    if (block === "v")
      return `v${place} of ${named(key, s)} = ${digits(v)}; it adds ${equation(`${digits(weights[s])}·${factor(v)}`, weights[s] * v, digits)} to the sum`;
    return this.#sumText(query, block, i);
  }

  /** @param {number} query @param {Block} block @param {number} i */
  #sumText(query, block, i) {
    const { first, before, weights: now, after, visible } = this.numbers(query);
    const [weights, sum] = block === "b" ? [first, before] : [now, after];
    /** @param {number} key */
    const size = (key) => Math.abs(weights[key] * this.v[key][i]);
    const seen = [...weights.keys()].filter((key) => visible[key]).sort((a, b) => size(b) - size(a));
    const text = terms(
      seen.map((key) => weights[key]),
      seen.map((key) => this.v[key][i]),
      4,
    );
    const unedited = block === "o" && this.isChanged(query) ? `; unedited ${digits(before[i])}` : "";
    return `sum[${i + 1}] = ${equation(text, sum[i], digits)}${unedited}`;
  }
}
