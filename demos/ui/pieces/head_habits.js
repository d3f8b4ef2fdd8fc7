// Heads by what they do with a text: one rule at a time, the heads that follow it most first.

import { chip, element } from "../core/dom.js";

/** @typedef {import("../types.js").HeadScore} HeadScore */
/** @typedef {Record<string, HeadScore[]>} Habits  by rule */

/** The head that follows any rule most, with the rule; null where there are none. @param {Habits} habits */
export function clearest(habits) {
  const firsts = Object.entries(habits).map(([rule, heads]) => ({ rule, ...heads[0] }));
  firsts.sort((one, other) => other.score - one.score);
  return firsts[0] ?? null;
}

export class HeadHabits {
  /** @type {string | null} */ #rule = null;

  /** @param {HTMLElement} root @param {{ onPick: (layer: number, head: number) => void }} options */
  constructor(root, { onPick }) {
    this.root = root;
    this.onPick = onPick;
  }

  /** The rule shown, if a text has it. @param {string} rule */
  choose(rule) {
    this.#rule = rule;
  }

  /** @param {Habits} habits @param {number} layer @param {number} head the chosen ones */
  show(habits, layer, head) {
    const rules = Object.keys(habits);
    if (!this.#rule || !rules.includes(this.#rule)) this.#rule = rules[0] ?? null;
    const chosen = this.#rule;
    this.root.hidden = !rules.length;
    this.root.replaceChildren(
      element("div", { class: "ax-title" }, "Heads by what they do with this text"),
      element(
        "div",
        { class: "gb-chips ax-habits", role: "group", "aria-label": "What heads do" },
        ...rules.map((rule) => chip(rule, rule === chosen, () => this.#pick(rule, habits[rule][0]))),
      ),
      element(
        "div",
        { class: "gb-chips ax-standouts", role: "group", "aria-label": "Heads that do it" },
        ...(chosen ? habits[chosen] : []).map((one) => this.#head(one, one.layer === layer && one.head === head)),
      ),
    );
  }

  /** @param {string} rule @param {HeadScore} best */
  #pick(rule, { layer, head }) {
    this.#rule = rule;
    this.onPick(layer, head);
  }

  /** @param {HeadScore} one @param {boolean} pressed */
  #head({ layer, head, score }, pressed) {
    const title = `layer ${layer + 1}, head ${head + 1}`;
    return chip(`${layer + 1}.${head + 1}: ${score.toFixed(2)}`, pressed, () => this.onPick(layer, head), { title });
  }
}
