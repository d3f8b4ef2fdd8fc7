// Four answers to what a prediction owes itself to, token by token, and how far they agree.

import { element, find } from "../core/dom.js";
import { fixed, minus, quoted } from "../core/format.js";
import { named } from "../pieces/named.js";
import { readable, TokenStrip } from "../pieces/token_strip.js";

/** @typedef {import("../types.js").ImportanceView} View */
/** @typedef {import("../types.js").QuestionView} Question */
/** @typedef {import("../types.js").AnswerView} Answer */
/** @typedef {import("../types.js").ImportanceColumn} Column */

const SIGNED = ["gradient", "left_out"];
/** @type {Record<string, string>} */
const UNITS = {
  attention: "of the attention",
  rollout: "of the attention",
  gradient: "nats per doubling, to first order",
  left_out: "nats lost without it",
};
/** @type {Record<string, string>} */
const ASKED = {
  written: "Which written token?",
  masked: "The prediction for which token?",
  next: "The prediction after which token?",
};

export const template = `
<div class="gb-panel im" data-state="empty">
  <p class="gb-empty">Nothing has been run yet: press Run above.</p>
  <div class="im-body">
    <p class="im-title im-which"></p>
    <div class="im-places" role="group" aria-label="Which prediction"></div>
    <div class="im-line">
      <label><span class="im-what"></span> <select class="im-token"></select></label>
      <button type="button" class="im-ask">Measure its importance</button>
    </div>
    <div class="im-answer" hidden>
      <p class="im-title im-heading"></p>
      <p class="gb-caption im-readout" aria-live="polite"></p>
      <div class="im-scroll"><div class="im-table" role="table" aria-label="importance of each token"></div></div>
      <p class="gb-caption im-legend">Bars are scaled to the largest of each column; <i class="im-plus"></i> speaks for the prediction, <i class="im-minus"></i> against it, <i class="im-share"></i> a share without a sign. &ndash;: this method has no answer for the token.</p>
      <p class="im-title">Do they put the tokens in the same order?</p>
      <div class="im-agreement"></div>
      <div class="im-sentences"></div>
    </div>
  </div>
</div>`;

/** A value with three digits, a dash for none. @param {number | null} value */
export function inDigits(value) {
  if (value === null) return "–";
  return minus(value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(0) : String(Number(value.toPrecision(3))));
}

export default class ImportanceView {
  /** @type {Question | null} */ #question = null;
  #position = 0;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.root = root;
    this.strip = new TokenStrip(find(root, ".im-places"), { onPick: (index) => this.#choose(index) });
    this.select = /** @type {HTMLSelectElement} */ (find(root, ".im-token"));
    find(root, ".im-ask").addEventListener("click", () => {
      if (this.#question) emit.ask({ position: this.#position, token: Number(this.select.value) });
    });
  }

  /** @param {View | null} value */
  show(value) {
    const { root } = this;
    const ready = value && value.question.places.length > 0;
    find(root, ".im").dataset.state = ready ? "full" : "empty";
    if (value && !ready) find(root, ".gb-empty").textContent = value.question.nothing;
    if (!ready) return;
    const { question, answer } = value;
    this.#question = question;
    find(root, ".im-which").textContent = ASKED[question.predicts];
    this.strip.show(question.places);
    this.#choose(answer ? answer.position : question.first);
    if (answer && [...this.select.options].some((option) => Number(option.value) === answer.token))
      this.select.value = String(answer.token);
    find(root, ".im-answer").hidden = !answer;
    if (answer) this.#drawAnswer(question, answer);
  }

  /** @param {number} index */
  #choose(index) {
    if (!this.#question) return;
    const { predicts, places, choices } = this.#question;
    this.#position = index;
    this.strip.shade(null, index);
    const after = `why after ${named(places[index], index)} comes`;
    find(this.root, ".im-what").textContent =
      predicts === "written" ? "why it writes" : predicts === "masked" ? "why it says" : after;
    const options = choices[index].map(([value, word, share]) =>
      element("option", { value }, `${word.trim() || JSON.stringify(word)}  ${(100 * share).toFixed(1)} %`),
    );
    this.select.replaceChildren(...options);
  }

  /** @param {Question} question @param {Answer} answer */
  #drawAnswer({ predicts, places }, answer) {
    const { root } = this;
    const { position, word, probability, tokens, columns } = answer;
    const place = predicts === "next" ? `after ${named(places[position], position)}` : `at place ${position + 1}`;
    find(root, ".im-heading").textContent = `${quoted(word)} ${place}, probability ${(100 * probability).toFixed(1)} %`;
    find(root, ".im-readout").textContent = "Point at a bar for its number.";
    const own = predicts === "written" ? -1 : position; // would dwarf all others where the text is read without it
    const most = columns.map(({ values }) =>
      Math.max(1e-12, ...values.map((value, index) => (index === own ? 0 : Math.abs(value ?? 0)))),
    );
    const rows = tokens.flatMap((token, index) => {
      if (columns.every(({ values }) => values[index] === null)) return [];
      const name = element("span", { class: "im-name", title: named(token, index) }, readable(token));
      return [name, ...columns.map((column, number) => this.#cell(column, named(token, index), index, most[number]))];
    });
    const head = ["token", ...columns.map(({ title }) => title)].map((title) => element("b", {}, title));
    find(root, ".im-table").replaceChildren(...head, ...rows);
    find(root, ".im-agreement").replaceChildren(...answer.agreement.map((pair) => pairOf(pair, columns)));
    find(root, ".im-sentences").replaceChildren(...answer.sentences.map((sentence) => element("p", {}, sentence)));
  }

  /** @param {Column} column @param {string} token @param {number} index @param {number} most */
  #cell({ name, title, values }, token, index, most) {
    const value = values[index];
    const tell = () => {
      const said = value === null ? "no answer" : `${inDigits(value)} ${UNITS[name]}`;
      find(this.root, ".im-readout").textContent = `${token}, ${title}: ${said}`;
    };
    const look = SIGNED.includes(name) ? ((value ?? 0) < 0 ? "im-minus" : "im-plus") : "im-share";
    const width = `${Math.min(100, (100 * Math.abs(value ?? 0)) / most)}%`;
    return element(
      "div",
      { class: "im-cell", tabIndex: 0, onpointerenter: tell, onfocus: tell, onclick: tell },
      element("i", { class: look, style: { width, visibility: value === null ? "hidden" : "visible" } }),
      element("span", {}, inDigits(value)),
    );
  }
}

/** @param {[string, string, number | null]} pair @param {Column[]} columns */
function pairOf([first, second, value], columns) {
  /** @param {string} wanted */
  const title = (wanted) => columns.find(({ name }) => name === wanted)?.title;
  const size = value ?? 0;
  const width = 50 * Math.abs(size);
  const place = { left: `${size < 0 ? 50 - width : 50}%`, width: `${width}%` };
  return element(
    "div",
    { class: "im-pair" },
    element("span", {}, `${title(first)} / ${title(second)}`),
    element("div", { class: "im-gauge" }, element("i", { class: size < 0 ? "im-minus" : "im-share", style: place })),
    element("span", {}, value === null ? "–" : fixed(value, 2)),
  );
}
