// A story with a question: the answer, and beside every sentence how much of it each hop has read.

import { load, part } from "../core/arrays.js";
import { element, find } from "../core/dom.js";
import { percent } from "../core/format.js";

/** @typedef {import("../types.js").StoryView} StoryView */
/** @typedef {import("../core/arrays.js").Numbers} Numbers */

export const template = `
<div class="sa gb-panel" data-state="empty">
  <p class="gb-empty">Write a story and ask a question about it.</p>
  <div class="sa-body">
    <p class="sa-reply" aria-live="polite"></p>
    <p class="gb-said"></p>
    <div class="sa-sure"></div>
    <h3>Which sentences it read</h3>
    <ol class="sa-hops"></ol>
    <div class="sa-scroll" tabindex="0" role="region" aria-label="The story, sentence by sentence">
      <table class="sa-story"><thead></thead><tbody></tbody></table>
    </div>
    <h3 class="sa-off">Now leave one out and see</h3>
    <ul class="sa-without"></ul>
  </div>
</div>`;

const LEAST_TAKEN = 0.15; // of a word, to be marked

export default class StoryAnswer {
  #asked = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
  }

  /** @param {StoryView | null} view */
  async show(view) {
    if (!view) return;
    const asked = ++this.#asked;
    const [weights, match] = await Promise.all([load(view.weights), load(view.match)]);
    if (asked !== this.#asked) return;
    find(this.root, ".sa").dataset.state = "full";
    find(this.root, ".sa-reply").textContent = view.reply;
    find(this.root, ".gb-said").textContent = view.said;
    find(this.root, ".sa-sure").replaceChildren(...view.alternatives.map(bar));
    find(this.root, ".sa-hops").replaceChildren(
      ...view.hops.map(({ sentence }) => element("li", {}, `Going back ${sentence}`)),
    );
    const read = view.hops.map((_, hop) => part(weights, hop).data);
    const matched = view.hops.map((_, hop) => part(match, hop).data);
    find(this.root, "thead").replaceChildren(head(view.hops.length));
    const rows = view.sentences.map((sentence, place) => row(view, sentence, place, read, matched));
    find(this.root, "tbody").replaceChildren(...rows);
    find(this.root, ".sa-off").hidden = !view.without.length;
    find(this.root, ".sa-without").replaceChildren(...view.without.map((sentence) => element("li", {}, sentence)));
    this.#scrollTo(rows[view.hops[0]?.best ?? 0]);
  }

  /** @param {HTMLElement} row the first sentence read */
  #scrollTo(row) {
    const scroll = find(this.root, ".sa-scroll");
    scroll.scrollTop = row.offsetTop - scroll.clientHeight / 2;
  }
}

/** @param {number} hops */
function head(hops) {
  const columns = Array.from({ length: hops }, (_, hop) => element("th", { scope: "col" }, `${hop + 1}`));
  return element("tr", {}, element("td"), element("th", { scope: "col" }, "sentence"), ...columns);
}

/**
 * @param {StoryView} view @param {string} sentence @param {number} place @param {Numbers[]} read by hop
 * @param {Numbers[]} matched by hop
 */
function row({ hops }, sentence, place, read, matched) {
  const first = hops.findIndex(({ best }) => best === place);
  const said = first < 0 ? [sentence] : marked(sentence, hops[first].words);
  const cells = hops.map((_, hop) => {
    const [weight, match] = [read[hop][place], matched[hop][place]];
    const title = `going back ${hop + 1}: reads ${percent(weight)} of sentence ${place + 1}; it matches by ${percent(match)}`;
    const fill = element("span", { class: "sa-fill", style: { height: `${100 * weight}%` } });
    return element("td", { class: "sa-weight", title, "aria-label": title }, fill);
  });
  return element(
    "tr",
    { class: first < 0 ? "" : "read" },
    element("td", { class: "gb-number" }, String(place + 1)),
    element("td", {}, ...said),
    ...cells,
  );
}

/** A sentence with the words that were taken of it marked. @param {string} sentence @param {number[]} shares of its words */
function marked(sentence, shares) {
  let word = -1;
  return sentence.split(/(\s+)/u).map((piece) => {
    if (!/[\p{L}\p{N}]/u.test(piece)) return piece;
    const share = shares[++word] ?? 0;
    return share < LEAST_TAKEN ? piece : element("b", { title: `${percent(share)} of what it takes` }, piece);
  });
}

/** @param {{ word: string, probability: number }} answer */
function bar({ word, probability }) {
  const fill = element("span", { class: "gb-fill", style: { width: `${100 * probability}%` } });
  return element(
    "div",
    { class: "gb-bar-row" },
    element("span", { class: "gb-bar-name" }, word),
    element("span", { class: "gb-track" }, fill),
    element("span", { class: "gb-number" }, percent(probability)),
  );
}
