// What is switched off inside a network: kept as the server takes it, each change undone by itself.

import { named } from "./named.js";

/** @typedef {import("../types.js").SwitchesView} SwitchesView */
/** @typedef {[string, number]} LayerOff  kind, layer */
/** @typedef {[string, number, number]} HeadOff  kind, layer, head */
/** @typedef {[string, number, number, number | null, number | null]} EdgeOff  kind, query, key, layer, head; null for all */

const MOST_CHANGES = 200;

/** Whether these are whole numbers below those limits. @param {string[]} numbers @param {number[]} limits */
const fits = (numbers, limits) =>
  numbers.length === limits.length &&
  numbers.every((number, place) => /^\d+$/.test(number) && Number(number) < limits[place]);

/** @template Item @param {Item[]} items @param {Item} item */
export function toggled(items, item) {
  const rest = items.filter((other) => String(other) !== String(item));
  return rest.length < items.length ? rest : [...items, item];
}

export class InsideEdits {
  /** @type {HeadOff[]} */ heads = [];
  /** @type {LayerOff[]} */ layers = [];
  /** @type {EdgeOff[]} */ edges = [];
  /** @type {number[]} */ unseen = [];
  /** @type {[number, number] | null} */ swap = null;
  positions = true;

  /** @param {HeadOff | null} [off] a head that is off at first */
  constructor(off = null) {
    if (off) this.heads.push(off);
  }

  /** @param {HeadOff | LayerOff} place */
  isOff(place) {
    const list = /** @type {(HeadOff | LayerOff)[]} */ (place.length === 3 ? this.heads : this.layers);
    return list.some((other) => String(other) === String(place));
  }

  /** As `models.attention.changes` takes them. */
  sent() {
    const { heads, layers, edges, unseen, swap, positions } = this;
    return { heads_off: heads, layers_off: layers, edges_off: edges, unseen, swap, positions };
  }

  /** The changes as they stand in an address: `head.decoder.0.3,hide.2`; counted from 0, `all` for every layer or head. */
  text() {
    const parts = [
      ...this.heads.map((item) => ["head", ...item]),
      ...this.layers.map((item) => ["layer", ...item]),
      ...this.edges.map((item) => ["look", ...item.map((number) => number ?? "all")]),
      ...this.unseen.map((index) => ["hide", index]),
      ...(this.swap ? [["swap", ...this.swap]] : []),
      ...(this.positions ? [] : [["places"]]),
    ];
    return parts.map((part) => part.join(".")).join(",");
  }

  /**
   * The changes that `text` says, without those that this run has no place for.
   * @param {string} text @param {SwitchesView} view
   */
  static of(text, view) {
    const edits = new InsideEdits();
    for (const part of text.split(",").slice(0, MOST_CHANGES)) edits.#add(part.split("."), view);
    return edits;
  }

  /** @param {string[]} part @param {SwitchesView} view */
  #add([what, ...rest], { stacks, heads, tokens, places }) {
    const stack = stacks.find(({ kind }) => kind === rest[0]);
    const token = tokens.length;
    if (what === "head" && stack && fits(rest.slice(1), [stack.layers, heads]))
      this.heads.push([stack.kind, Number(rest[1]), Number(rest[2])]);
    else if (what === "layer" && stack && fits(rest.slice(1), [stack.layers]))
      this.layers.push([stack.kind, Number(rest[1])]);
    else if (what === "hide" && fits(rest, [token])) this.unseen.push(Number(rest[0]));
    else if (what === "swap" && fits(rest, [token, token])) this.swap = [Number(rest[0]), Number(rest[1])];
    else if (what === "places" && places) this.positions = false;
    else if (what === "look" && stack) this.#addLook(stack, rest.slice(1), heads);
  }

  /** @param {SwitchesView["stacks"][number]} stack @param {string[]} numbers @param {number} heads */
  #addLook(stack, numbers, heads) {
    const given = numbers.map((number) => (number === "all" ? "0" : number));
    if (!fits(given, [stack.queries.length, stack.keys.length, stack.layers, heads])) return;
    const [query, key, layer, head] = numbers.map((number) => (number === "all" ? null : Number(number)));
    if (query !== null && key !== null) this.edges.push([stack.kind, query, key, layer, head]);
  }

  /**
   * Every change in words, with what undoes it.
   * @param {SwitchesView} view @returns {{ text: string, undo: () => void }[]}
   */
  list({ stacks, tokens }) {
    /** @param {string} kind */
    const where = (kind) => (stacks.length > 1 ? `${kind} ` : "");
    const layers = this.layers.map((item) => ({
      text: `${where(item[0])}layer ${item[1] + 1} off`,
      undo: () => {
        this.layers = toggled(this.layers, item);
      },
    }));
    const heads = this.heads.map((item) => ({
      text: `${where(item[0])}layer ${item[1] + 1}, head ${item[2] + 1} off`,
      undo: () => {
        this.heads = toggled(this.heads, item);
      },
    }));
    const edges = this.edges.map((item) => ({
      text: `${where(item[0])}${lookOf(stacks, item)}`,
      undo: () => {
        this.edges = toggled(this.edges, item);
      },
    }));
    const unseen = this.unseen.map((index) => ({
      text: `${named(tokens[index], index)} hidden`,
      undo: () => {
        this.unseen = toggled(this.unseen, index);
      },
    }));
    return [...layers, ...heads, ...edges, ...unseen, ...this.#wholes(tokens)];
  }

  /** @param {string[]} tokens */
  #wholes(tokens) {
    const list = [];
    if (this.swap)
      list.push({
        text: `${this.swap.map((index) => named(tokens[index], index)).join(" and ")} swapped`,
        undo: () => {
          this.swap = null;
        },
      });
    if (!this.positions)
      list.push({
        text: "no positions",
        undo: () => {
          this.positions = true;
        },
      });
    return list;
  }
}

/** @param {SwitchesView["stacks"]} stacks @param {EdgeOff} edge */
function lookOf(stacks, [kind, query, key, layer, head]) {
  const stack = stacks.find((one) => one.kind === kind) ?? stacks[0];
  const scope = [layer === null ? "" : `layer ${layer + 1}`, head === null ? "" : `head ${head + 1}`];
  const inside = scope.filter(Boolean).join(", ");
  const look = `${named(stack.queries[query], query)} does not look at ${named(stack.keys[key], key)}`;
  return inside ? `${look} in ${inside}` : look;
}
