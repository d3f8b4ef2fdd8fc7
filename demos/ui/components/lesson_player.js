// Plays a lesson: a strip at the foot of the page that sets the controls, points, asks and reveals, step by step.

import { element, find } from "../core/dom.js";
import { bookmark, keep, stepOf } from "../core/lessons.js";
import { ask } from "../core/server.js";
import { follow, share } from "../core/shared.js";
import { styleOf } from "../core/style.js";
import { withTerms } from "../core/terms.js";
import { clearPointer, openPage, openTab, pointAt, press, pressNamed, setControl } from "../pieces/page_controls.js";
import { questionCard } from "../pieces/question_card.js";

styleOf(new URL("../pieces/question_card.js", import.meta.url).href);

const IS_ID = /^[a-z][a-z0-9-]*-[a-z0-9-]+$/;

export const template = `
<section class="lesson gb-panel" aria-label="Lesson" hidden>
  <div class="le-head">
    <b class="le-title"></b> <span class="le-place gb-number"></span>
    <span class="le-buttons">
      <button type="button" class="le-back">Back</button>
      <button type="button" class="le-next gb-primary">Next</button>
      <button type="button" class="le-fold" aria-expanded="true">Fold</button>
      <button type="button" class="le-leave">Leave</button>
    </span>
  </div>
  <div class="le-body" aria-live="polite"></div>
</section>`;

/** @typedef {import("../types.js").LessonView} LessonView */
/** @typedef {import("../types.js").LessonStep} LessonStep */

export default class LessonPlayer {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server }) {
    this.server = server;
    this.panel = find(root, ".lesson");
    /** @type {LessonView | null} */
    this.lesson = null;
    /** @type {string | undefined} */
    this.text = undefined;
    this.step = 0;
    this.shown = 0;
    const on = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      find(this.panel, name).addEventListener("click", act);
    on(".le-back", () => this.go(this.step - 1));
    on(".le-next", () => this.go(this.step + 1));
    on(".le-leave", () => this.leave());
    on(".le-fold", () => this.fold());
    follow("lesson-wanted", root, (wanted) => this.start(wanted));
    follow("question-asked", root, ({ tab, asked }) => this.pose(tab, asked));
  }

  show() {}

  /** @param {{ tab?: string, text?: string, resume?: boolean }} wanted */
  async start({ tab, text, resume = false }) {
    const kept = bookmark();
    const request = text ? { text } : resume && kept?.text ? { text: kept.text } : { tab: resume ? kept?.tab : tab };
    try {
      this.lesson = await ask(this.server.lesson, request);
      this.text = request.text;
      await this.go(stepOf(kept, /** @type {LessonView} */ (this.lesson)));
    } catch (error) {
      this.panel.hidden = false;
      this.say(fault(error));
    }
  }

  leave() {
    this.panel.hidden = true;
    document.documentElement.classList.remove("gb-docked");
    this.lesson = null;
    clearPointer();
    share("lesson-left", {});
  }

  fold() {
    const folded = this.panel.classList.toggle("is-folded");
    const button = find(this.panel, ".le-fold");
    button.textContent = folded ? "Unfold" : "Fold";
    button.setAttribute("aria-expanded", String(!folded));
  }

  /** @param {number} step */
  async go(step) {
    const lesson = this.lesson;
    if (!lesson) return;
    if (step >= lesson.steps.length) return this.end(lesson);
    this.step = Math.max(0, step);
    const shown = ++this.shown;
    keep({ id: lesson.id, tab: lesson.tab, step: this.step, text: this.text });
    const now = lesson.steps[this.step];
    this.head(lesson);
    this.say(...paragraphs(now));
    try {
      await this.play(lesson.tab, now);
    } catch (error) {
      if (shown === this.shown) this.add(fault(error));
    }
    if (shown !== this.shown) return;
    if (now.question) this.add(this.card(now.question, now));
    else if (now.ask) {
      this.add(element("p", { class: "gb-caption le-waiting" }, "The model is being asked …"));
      share("question-wanted", { tab: lesson.tab, question: now.ask });
    }
    this.panel.dataset.step = String(this.step + 1);
  }

  /** @param {LessonView} lesson */
  head(lesson) {
    this.panel.hidden = false;
    document.documentElement.classList.add("gb-docked");
    delete this.panel.dataset.step;
    find(this.panel, ".le-title").textContent = lesson.title;
    find(this.panel, ".le-place").textContent = `step ${this.step + 1} of ${lesson.steps.length}`;
    find(this.panel, ".le-back").disabled = this.step === 0;
    find(this.panel, ".le-next").textContent = this.step + 1 < lesson.steps.length ? "Next" : "End";
  }

  /** Does what a step does to the page. @param {string} tab @param {LessonStep} step */
  async play(tab, step) {
    await openTab(tab);
    await openPage(tab, step.page);
    for (const { control, value } of step.settings) await setControl(control, value);
    for (const name of step.press) await (IS_ID.test(name) ? press(name) : pressNamed(tab, name));
    if (step.point) await pointAt(step.point);
    else clearPointer();
  }

  /** The live question of the step, answered. @param {string} tab @param {import("../types.js").PredictionView} asked */
  pose(tab, asked) {
    const now = this.lesson?.steps[this.step];
    if (!now || tab !== this.lesson?.tab || asked.name !== now.ask) return;
    for (const node of this.panel.querySelectorAll(".le-waiting, .qc-card, .le-fault")) node.remove();
    this.add(asked.fault ? fault(new Error(asked.fault)) : this.card(asked, now));
  }

  /** @param {import("../pieces/question_card.js").CardQuestion} question @param {LessonStep} step */
  card(question, step) {
    return questionCard(question, { more: step.reveal ? [element("p", {}, ...withTerms(step.reveal))] : [] });
  }

  /** @param {LessonView} lesson */
  end(lesson) {
    keep(null);
    clearPointer();
    const again = element("button", { type: "button", onclick: () => this.go(0) }, "Begin again");
    this.say(
      element(
        "p",
        {},
        `That was “${lesson.title}”. Go on alone: change one thing at a time, and predict before you look.`,
      ),
      again,
    );
    find(this.panel, ".le-place").textContent = "";
    this.panel.dataset.step = "end";
  }

  /** @param {...Node} nodes */
  say(...nodes) {
    find(this.panel, ".le-body").replaceChildren(...nodes);
  }

  /** @param {Node} node */
  add(node) {
    find(this.panel, ".le-body").append(node);
  }
}

/** @param {LessonStep} step @returns {Node[]} */
function paragraphs({ say, notice, ask: asks, question, reveal }) {
  const parts = [
    say && element("p", {}, ...withTerms(say)),
    notice && element("p", { class: "le-notice" }, ...withTerms(notice)),
  ];
  if (!asks && !question && reveal) parts.push(element("p", {}, ...withTerms(reveal)));
  return /** @type {Node[]} */ (parts.filter(Boolean));
}

/** @param {unknown} error */
const fault = (error) =>
  element("p", { class: "gb-fault le-fault", role: "alert" }, error instanceof Error ? error.message : String(error));
