// Predict, then reveal: the questions of a tab, asked of the live model about what stands on its pages now.

import { chip, element, find } from "../core/dom.js";
import { follow, share, shared } from "../core/shared.js";
import { styleOf } from "../core/style.js";
import { questionCard, scoreText } from "../pieces/question_card.js";

styleOf(new URL("../pieces/question_card.js", import.meta.url).href);

export const template = `
<details class="predict gb-panel">
  <summary><b>Predict, then reveal</b> <span class="pr-hint">questions that the model answers, about what stands above now</span>
    <span class="pr-score gb-number"></span></summary>
  <div class="pr-topics"></div>
  <div class="pr-card" aria-live="polite"></div>
</details>`;

/** @typedef {import("../types.js").TopicsView} TopicsView */

export default class Predict {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.root = root;
    this.emit = emit;
    /** @type {TopicsView | null} */
    this.value = null;
    this.score = { right: 0, asked: 0 };
    /** Name of the question that is being asked, and whether a lesson wants it. */
    this.waiting = "";
    this.forLesson = false;
    follow("question-wanted", root, (wanted) => {
      if (wanted.tab === this.value?.tab) this.ask(wanted.question, true);
    });
    follow("class-room", root, () => this.draw());
  }

  /** @param {TopicsView | null} value */
  show(value) {
    this.value = value;
    if (value?.asked && this.waiting) {
      this.waiting = "";
      if (this.forLesson) share("question-asked", { tab: value.tab, asked: value.asked });
    }
    this.draw();
  }

  /** @param {string} question @param {boolean} [forLesson] */
  ask(question, forLesson = false) {
    this.waiting = question;
    this.forLesson = forLesson;
    this.emit.ask({ question });
    this.draw();
  }

  draw() {
    if (!this.value) return;
    find(this.root, ".pr-topics").replaceChildren(...this.topics(this.value));
    find(this.root, ".pr-card").replaceChildren(...this.card(this.value));
    find(this.root, ".pr-score").textContent = scoreText(this.score);
  }

  /** The topics, a row for each page. @param {TopicsView} value */
  topics({ topics, asked }) {
    const pages = [...new Set(topics.map((topic) => topic.page_title))];
    const chosen = this.waiting || asked?.name;
    return pages.map((page) => {
      const chips = topics
        .filter((topic) => topic.page_title === page)
        .map((topic) =>
          chip(topic.topic, topic.name === chosen, () => this.ask(topic.name), { data: { question: topic.name } }),
        );
      const name = element("span", { class: "gb-chips-name" }, page);
      return element("div", { class: "gb-chips", role: "group", "aria-label": page }, name, ...chips);
    });
  }

  /** @param {TopicsView} value @returns {Node[]} */
  card({ asked }) {
    if (this.waiting) return [element("p", { class: "gb-caption" }, "The model is being asked …")];
    if (!asked) return [element("p", { class: "gb-caption" }, "Choose a question. Commit yourself before you look.")];
    if (asked.fault) return [element("p", { class: "gb-fault", role: "alert" }, asked.fault)];
    const about = element("p", { class: "gb-caption" }, `About the page “${asked.about}”, as it stands now.`);
    const again = element(
      "button",
      { type: "button", onclick: () => this.ask(asked.name) },
      "Ask again about the new input",
    );
    const card = questionCard(asked, { onanswer: (right) => this.count(right), more: [again] });
    return [about, card, ...this.forClass(asked)];
  }

  /** What a teacher with an open room may do with a question. @param {import("../types.js").PredictionView} asked */
  forClass(asked) {
    if (shared("class-room")?.role !== "teacher") return [];
    return [
      element(
        "button",
        { type: "button", class: "pr-class", onclick: () => share("class-question", asked) },
        "Ask the class",
      ),
    ];
  }

  /** @param {boolean} right */
  count(right) {
    this.score = { right: this.score.right + Number(right), asked: this.score.asked + 1 };
    find(this.root, ".pr-score").textContent = scoreText(this.score);
  }
}
