// A training of one's own classes: both curves, the confusion matrix at every step, and what was said of each picture.

import { address } from "../core/arrays.js";
import { LineChart } from "../core/chart.js";
import { element, find } from "../core/dom.js";

/** @typedef {import("../types.js").ClassBoardView} ClassBoardView */
/** @typedef {import("../types.js").ClassReport} ClassReport */
/** @typedef {import("../types.js").ClassVerdict} ClassVerdict */

export const template = `
<div class="class-board" data-state="empty">
  <p class="gb-empty">Collect two classes or take the example, then press Train: the curves and the confusion matrix move as it learns.</p>
  <div class="cb-full">
    <p class="gb-caption cb-shared" role="status"></p>
    <div class="cb-charts">
      <section aria-label="Loss"><h3>Loss, in nats</h3><div class="cb-legend"></div><div class="cb-frame"></div></section>
      <section aria-label="Accuracy"><h3>Accuracy, in percent</h3><div class="cb-legend"></div><div class="cb-frame"></div></section>
    </div>
    <div class="cb-confusion">
      <h3>Held-out pictures: what they are (rows) and what they were taken for (columns)</h3>
      <label class="cb-slide"><span class="cb-when"></span><input type="range" min="0" step="1" value="0" aria-label="step of the training"></label>
      <div class="cb-scroll" tabindex="0" role="region" aria-label="What was answered for each class"><table></table></div>
      <p class="gb-caption cb-note"></p>
    </div>
    <div class="cb-verdicts" hidden>
      <h3>Before and after, on pictures held out of its training</h3>
      <div class="cb-cards"></div>
      <p class="gb-caption cb-more"></p>
    </div>
  </div>
</div>`;

export default class ClassBoard {
  /** @type {ClassBoardView | null} */ #value = null;
  #run = "";
  #ended = ""; // the run whose verdicts were drawn last
  #follow = true; // show the newest report

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
    this.panel = /** @type {HTMLElement} */ (find(root, ".class-board"));
    this.slider = /** @type {HTMLInputElement} */ (find(root, ".cb-slide input"));
    const sections = [...root.querySelectorAll(".cb-charts section")];
    const [loss, accuracy] = sections.map((one) => new LineChart(find(one, ".cb-frame"), find(one, ".cb-legend")));
    this.loss = loss;
    this.accuracy = accuracy;
    this.slider.addEventListener("input", () => {
      this.#follow = this.slider.value === this.slider.max;
      this.#drawConfusion();
    });
  }

  /** @param {ClassBoardView | null} value */
  show(value) {
    this.#value = value?.reports.length ? value : null;
    this.panel.dataset.state = this.#value ? "full" : "empty";
    if (!this.#value) return;
    if (this.#value.run !== this.#run) [this.#run, this.#follow] = [this.#value.run, true];
    find(this.root, ".cb-shared").textContent = this.#value.shared;
    this.#drawCurves(this.#value);
    this.slider.max = String(this.#value.reports.length - 1);
    if (this.#follow) this.slider.value = this.slider.max;
    this.#drawConfusion();
    this.#drawVerdicts(this.#value);
  }

  /** @param {ClassBoardView} value */
  #drawCurves({ reports, unfrozen }) {
    const points = (/** @type {"loss" | "accuracy" | "held_out"} */ name, scale = 1) =>
      reports.map((report) => [report.step, report[name] * scale]);
    /** @type {[number, string][]} */
    const marks = unfrozen === null ? [] : [[unfrozen, "blocks learn too"]];
    const learned = { name: "pictures learned from", color: "memory", dash: "", points: points("loss") };
    this.loss.show({ series: [learned], x: "steps", y: "loss", low: 0, marks });
    const series = [
      { name: "learned from", color: "memory", dash: "", points: points("accuracy", 100) },
      { name: "held out", color: "prediction", dash: "7 3", points: points("held_out", 100) },
    ];
    this.accuracy.show({
      series,
      x: "steps",
      y: "accuracy",
      low: 0,
      high: 100,
      marks,
      format: (share) => `${share.toFixed(0)} %`,
    });
  }

  #drawConfusion() {
    const value = this.#value;
    if (!value) return;
    const report = value.reports[Number(this.slider.value)];
    find(this.root, ".cb-when").textContent = `step ${report.step}: ${rightText(report.confusion)}`;
    find(this.root, "table").replaceChildren(...confusionRows(report, value.labels));
    find(this.root, ".cb-confusion .cb-note").textContent =
      report.phase === "head" ? value.protocol : value.blocks_protocol;
  }

  /** @param {ClassBoardView} value */
  #drawVerdicts({ run, verdicts, more }) {
    find(this.root, ".cb-verdicts").hidden = !verdicts;
    if (!verdicts) return;
    if (this.#ended !== run) this.panel.dataset.ended = String(Number(this.panel.dataset.ended ?? 0) + 1);
    this.#ended = run;
    find(this.root, ".cb-cards").replaceChildren(...verdicts.map(card));
    find(this.root, ".cb-more").textContent = more;
  }
}

/** How many pictures lie on the diagonal. @param {number[][]} confusion */
export function rightText(confusion) {
  const total = confusion.flat().reduce((sum, count) => sum + count, 0);
  const right = confusion.reduce((sum, row, place) => sum + row[place], 0);
  return `${right} of ${total} right (${((100 * right) / total).toFixed(0)} %)`;
}

/** @param {ClassReport} report @param {string[]} labels */
function confusionRows({ confusion }, labels) {
  const head = labels.map((label) => element("th", { title: label, scope: "col" }, label));
  const rows = confusion.map((counts, row) => {
    const sum = counts.reduce((total, count) => total + count, 0);
    const cells = counts.map((count, column) => {
      const title = `${count} of ${sum} pictures of ${labels[row]} taken for ${labels[column]}`;
      const kind = !count ? "" : row === column ? "is-right" : "is-wrong";
      const cell = element("td", { class: kind, title }, count ? String(count) : "");
      cell.style.setProperty("--share", String(sum ? count / sum : 0));
      return cell;
    });
    return element("tr", {}, element("th", { title: labels[row], scope: "row" }, labels[row]), ...cells);
  });
  return [element("tr", {}, element("td"), ...head), ...rows];
}

/** @param {ClassVerdict} verdict */
function card({ picture, truth, before, head, blocks }) {
  const facts = element("dl", {}, element("dt", {}, "it is"), element("dd", { title: truth }, truth));
  if (before) facts.append(...said("before", before, null));
  facts.append(...said(blocks ? "head" : "after", head, truth));
  if (blocks) facts.append(...said("blocks", blocks, truth));
  return element(
    "div",
    { class: "cb-card" },
    element("img", { src: address(picture), alt: `a picture of ${truth}` }),
    facts,
  );
}

/** @param {string} name @param {[string, number]} answer @param {string | null} truth */
function said(name, [label, probability], truth) {
  const right = label === truth;
  const kind = truth === null ? "" : right ? "is-right" : "is-wrong";
  const mark = truth === null ? "" : right ? " ✓" : " ✗";
  return [
    element("dt", {}, name),
    element("dd", { title: label, class: kind }, `${label} ${(100 * probability).toFixed(0)} %${mark}`),
  ];
}
