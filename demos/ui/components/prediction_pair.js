// What a network predicts before and after a change, at any position, and how far each token's vector moved.

import { load, part } from "../core/arrays.js";
import { chip, element, find } from "../core/dom.js";
import { quoted } from "../core/format.js";
import { named } from "../pieces/named.js";
import { TokenStrip } from "../pieces/token_strip.js";

/** @typedef {import("../types.js").EffectView} EffectView */
/** @typedef {[string, number, number]} Row  a token, its probability before and after */
/** @typedef {"own" | "last" | "most"} Named */

const STACKS = {
  encoder: "Vectors after the last encoder layer",
  decoder: "Vectors after the last decoder layer",
  cross: "",
};
/** @type {Record<Named, string>} */
const CHOICES = { own: "the token that looks", last: "the last one", most: "changed most" };
/** @type {Record<string, string>} */
const PLACES = { written: "Written as", masked: "In place of", next: "After" };
/** @type {Record<string, string>} */
const SIGHT = { "\n": "⏎", " ": "␣" };
const STRONG_BITS = 0.05;

export const template = `
<div class="gb-panel pp" data-state="empty">
  <p class="gb-empty"></p>
  <div class="pp-body">
    <p class="pp-changes"></p>
    <div class="pp-columns">
      <section class="pp-predicted" aria-label="Predictions before and after">
        <p class="pp-title"></p>
        <div class="pp-key"><span><i class="pp-solid"></i> before</span><span><i class="pp-dashed"></i> after</span></div>
        <div class="pp-rows"></div>
        <p class="pp-quiet pp-readout" aria-live="polite"></p>
      </section>
      <section class="pp-where" aria-label="Which prediction">
        <p class="pp-title">Which prediction <span class="pp-quiet">colour: bits by which it changed</span></p>
        <div class="gb-chips pp-choices" role="group" aria-label="Which prediction"></div>
        <div class="pp-places" role="group" aria-label="positions that predict"></div>
        <p class="pp-quiet pp-total"></p>
      </section>
      <section class="pp-sentence" aria-label="Sentence vector">
        <p class="pp-title">The vector of the sentence</p>
        <p class="pp-cosine"></p>
      </section>
    </div>
    <div class="pp-stacks"></div>
  </div>
</div>`;

/** @param {number} bits */
export const bitsOf = (bits) => (bits > 0 && bits < 0.0005 ? "less than 0.001 bits" : `${bits.toFixed(3)} bits`);

/** @param {number} share */
export function percentOf(share) {
  if (share >= 0.9995) return "100 %";
  return share >= 0.001 || share === 0 ? `${(100 * share).toFixed(1)} %` : "< 0.1 %";
}

export default class PredictionPair {
  /** @type {EffectView | null} */ #shown = null;
  /** @type {Row[][]} */ #rows = [];
  /** @type {Named | number} */ #choice = "last";
  #picked = false; // whether the visitor chose it
  #asked = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props }) {
    this.root = root;
    find(root, ".gb-empty").textContent = props.empty;
    this.strip = new TokenStrip(find(root, ".pp-places"), { onPick: (index) => this.#pick(index) });
  }

  /** @param {EffectView | null} value */
  async show(value) {
    const asked = ++this.#asked;
    const view = find(this.root, ".pp");
    if (!value) {
      view.dataset.state = "empty";
      this.#picked = false;
      return;
    }
    const [ids, shares] = await Promise.all([load(value.ids), load(value.shares)]);
    if (asked !== this.#asked) return;
    const same = this.#shown?.places.join("\0") === value.places.join("\0");
    this.#shown = value;
    this.#rows = value.bits.map((_, place) =>
      Array.from(part(ids, place).data, (id, rank) => {
        const [before, after] = part(shares, place, rank).data;
        return [value.words[id], before, after];
      }),
    );
    view.dataset.state = "full";
    if (!same) this.#picked = false;
    const offered = this.#offered(value);
    if (!this.#picked || (typeof this.#choice === "string" && !offered.includes(this.#choice)))
      [this.#choice] = offered;
    this.#draw(value);
  }

  /** The named choices there are, the best first. @param {EffectView} value @returns {Named[]} */
  #offered({ own, bits }) {
    /** @type {Named[]} */
    const offered = own !== null ? ["own"] : [];
    if (bits.some((change) => change > 0)) offered.push("most");
    return [...offered, "last"];
  }

  /** @param {EffectView} value */
  #place({ own, places, most }) {
    const choice = this.#choice;
    return typeof choice === "number" ? choice : { own: own ?? 0, last: places.length - 1, most }[choice];
  }

  /** @param {Named | number} choice */
  #pick(choice) {
    if (!this.#shown) return;
    [this.#choice, this.#picked] = [choice, true];
    this.#drawPrediction(this.#shown);
  }

  /** @param {EffectView} value */
  #draw(value) {
    const { root } = this;
    const { changes, bits, places, most, cosine } = value;
    const predicts = bits.length > 0;
    find(root, ".pp-changes").textContent = changes.length
      ? `Changed: ${changes.join("; ")}.`
      : "Nothing is changed yet: before and after are the same.";
    find(root, ".pp-predicted").hidden = find(root, ".pp-where").hidden = !predicts;
    find(root, ".pp-sentence").hidden = predicts;
    if (predicts) {
      this.strip.show(places);
      this.#drawPrediction(value);
      const mean = bits.reduce((sum, change) => sum + change, 0) / bits.length;
      find(root, ".pp-total").textContent =
        `Mean change over ${bits.length} predictions: ${bitsOf(mean)}; most ${bitsOf(bits[most])}, at ${named(places[most], most)}.`;
    } else {
      find(root, ".pp-cosine").textContent =
        `This network predicts no word; it makes one vector of the sentence, the mean over its tokens. Cosine between before and after: ${cosine.toFixed(4)} (1: nothing changed).`;
    }
    find(root, ".pp-stacks").replaceChildren(...value.stacks.map(stackOf));
  }

  /** @param {EffectView} value */
  #drawPrediction(value) {
    const { root } = this;
    const { bits, places, predicts } = value;
    const place = this.#place(value);
    const rows = this.#rows[place];
    const offered = this.#offered(value);
    const names = /** @type {Named[]} */ (Object.keys(CHOICES)).filter((name) => offered.includes(name));
    const chips = names.map((name) => chip(CHOICES[name], name === this.#choice, () => this.#pick(name)));
    find(root, ".pp-choices").replaceChildren(...chips);
    const most = Math.max(...bits, STRONG_BITS);
    this.strip.shade((index) => Math.min(1, bits[index] / most), place);
    find(root, ".pp-predicted .pp-title").textContent = `${PLACES[predicts]} ${named(places[place], place)}`;
    const top = Math.max(...rows.flatMap(([, before, after]) => [before, after]));
    find(root, ".pp-rows").replaceChildren(...rows.map((row) => rowOf(row, top)));
    find(root, ".pp-readout").textContent = sentenceOf(rows, bits[place]);
  }
}

/** @param {Row[]} rows @param {number} bits */
function sentenceOf(rows, bits) {
  if (bits === 0) return "This prediction is the same.";
  /** @param {1 | 2} column */
  const first = (column) => rows.reduce((best, row) => (row[column] > best[column] ? row : best))[0];
  const [before, after] = [first(1), first(2)];
  const said = before === after ? `Still ${quoted(after)}` : `${quoted(before)} became ${quoted(after)}`;
  return `${said}; this prediction changed by ${bitsOf(bits)}.`;
}

/** @param {Row} row @param {number} top the largest of all rows */
function rowOf([token, before, after], top) {
  /** @param {number} share @param {string} look */
  const bar = (share, look) => element("i", { class: look, style: { width: `${(100 * share) / top}%` } });
  return element(
    "div",
    { class: "pp-row" },
    element("b", {}, token.replace(/^[\n ]$/, (blank) => SIGHT[blank]).trim() || "␣"),
    element("div", { class: "pp-bars" }, bar(before, "pp-solid"), bar(after, "pp-dashed")),
    element("span", {}, `${percentOf(before)} → ${percentOf(after)}`),
  );
}

/** @param {import("../types.js").StackMoved} stack */
function stackOf({ kind, tokens, share, moved }) {
  const most = share.indexOf(Math.max(...share));
  const readout = element("span", { class: "pp-quiet" });
  /** @param {number | null} index */
  const tell = (index) => {
    const which = index ?? most;
    readout.textContent =
      share[most] === 0
        ? "none moved"
        : `${index === null ? "most moved: " : ""}${named(tokens[which], which)}, by ${Number(moved[which].toPrecision(3))}, ${(100 * share[which]).toFixed(0)} % of its length`;
  };
  const line = element("div", { role: "group", "aria-label": `${STACKS[kind]}: how far each moved` });
  const strip = new TokenStrip(line, { onHover: tell, onPick: tell });
  strip.show(tokens);
  strip.shade((index) => Math.min(1, share[index]), null);
  tell(null);
  return element("div", {}, element("p", { class: "pp-title" }, `${STACKS[kind]} `, readout), line);
}
