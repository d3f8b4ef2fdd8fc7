// A question to be answered before the right answer is shown. What is right travels with the question and is scored here.

import { element } from "../core/dom.js";

/**
 * @typedef {object} CardQuestion
 * @property {string} question @property {string[]} options
 * @property {number | null} right  index of `options`; null while nobody here may know it
 * @property {string} explanation
 */

/**
 * The card of a question: choosing an option reveals which one is right, and why.
 * @param {CardQuestion} question
 * @param {{ onanswer?: (right: boolean, choice: number) => void, more?: (Node | null)[] }} [how]
 *   onanswer: told once; more: nodes below the explanation, shown with it
 */
export function questionCard(question, { onanswer, more = [] } = {}) {
  const verdict = element("p", { class: "qc-verdict", role: "status" });
  const explanation = element("div", { class: "qc-explanation", hidden: true }, verdict, said(question.explanation));
  explanation.append(.../** @type {Node[]} */ (more.filter(Boolean)));
  const buttons = question.options.map((option, index) =>
    element("button", { type: "button", class: "qc-option", onclick: () => choose(index) }, option),
  );

  /** @param {number} choice */
  function choose(choice) {
    mark(buttons, question.right, choice);
    verdict.textContent = choice === question.right ? "Right." : "Not this time.";
    explanation.hidden = false;
    onanswer?.(choice === question.right, choice);
  }

  const options = element("div", { class: "qc-options", role: "group", "aria-label": "Answers" }, ...buttons);
  return element(
    "div",
    { class: "qc-card" },
    element("p", { class: "qc-question" }, question.question),
    options,
    explanation,
  );
}

/**
 * Marks the right option and the one that was chosen, and takes no more answers.
 * @param {HTMLButtonElement[]} buttons @param {number | null} right @param {number | null} choice
 */
export function mark(buttons, right, choice) {
  for (const [index, button] of buttons.entries()) {
    button.disabled = true;
    if (index === right) button.dataset.mark = "right";
    else if (index === choice && right !== null) button.dataset.mark = "wrong";
    if (index === choice) button.setAttribute("aria-pressed", "true");
    const note = { right: " ✓ right", wrong: " ✗" }[button.dataset.mark ?? ""];
    if (note) button.append(element("span", { class: "qc-mark" }, note));
  }
}

/** @param {string} text */
export const said = (text) => element("p", { class: "qc-said" }, text);

/** How many of those asked were answered rightly. @param {{ right: number, asked: number }} score */
export const scoreText = ({ right, asked }) => (asked ? `${right} of ${asked} right so far` : "");
