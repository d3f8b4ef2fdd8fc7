// Boxes drawn by the visitor as the truth, and the queries that the training loss would match with them, at what cost: on
// the picture that `box_figure` shares. Boxes are drawn with mouse or finger, or typed in pixels.

import { signOf } from "../core/arithmetic.js";
import { address } from "../core/arrays.js";
import { fit, strokeBox } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { clamp } from "../core/keys.js";
import { role } from "../core/ramps.js";
import { follow, shared } from "../core/shared.js";
import { above, writeOn } from "../pieces/boxes.js";
import { NewestOnly } from "../pieces/newest.js";
import { onPull } from "../pieces/pull.js";

/** @typedef {import("../types.js").MatchingView} Matching */
/** @typedef {import("../types.js").QueryCost} QueryCost */
/** @typedef {import("../types.js").CandidateBox} CandidateBox */
/** @typedef {{ run: string, image: string, width: number, height: number, labels: string[], candidates: CandidateBox[] }} Shown */

/** The labels that stand for something: COCO numbers that stand for nothing are called N/A. @param {string[]} labels */
const named = (labels) => labels.filter((label) => label !== "N/A");
/** @typedef {{ box: number[], label: string }} Truth */

export const template = `
<div class="mv gb-panel" data-state="empty">
  <p class="gb-empty">Upload a picture or take an example above.</p>
  <div class="mv-body">
    <div class="mv-controls">
      <label>class of the next box <select class="mv-class"></select></label>
      <button type="button" class="mv-add">Add a box</button>
      <button type="button" class="mv-take">Take the boxes found</button>
      <button type="button" class="mv-clear">Clear</button>
    </div>
    <div class="mv-columns">
      <div>
        <div class="mv-picture"><img alt="The picture, to draw boxes on" draggable="false"><canvas></canvas></div>
        <p class="gb-caption">Drag on the picture to draw a box. Solid: what you drew. Dashed: the box of its matched query.</p>
        <div class="mv-boxes" role="group" aria-label="Boxes drawn"></div>
      </div>
      <div class="mv-costs">
        <p class="mv-problem" role="status"></p>
        <div class="mv-tables"></div>
        <p class="gb-caption mv-loss"></p>
      </div>
    </div>
  </div>
</div>`;

const SMALLEST = 0.01;
const MOST = 20;
const FIRST_BOX = [0.35, 0.35, 0.65, 0.65];

const THOUSANDTHS = 1000;

/** Drawn boxes as an address has them. @param {Truth[]} truths @param {string[]} labels */
const textOf = (truths, labels) =>
  truths
    .map(({ box, label }) => [labels.indexOf(label), ...box.map((side) => Math.round(THOUSANDTHS * side))].join("."))
    .join("_");

/** The boxes that an address has; null where it has none. @param {string | null} said @param {string[]} labels */
export function truthsOf(said, labels) {
  if (!/^\d+(\.\d+){4}(_\d+(\.\d+){4})*$/.test(said ?? "")) return null;
  const truths = /** @type {string} */ (said).split("_").map((one) => {
    const [label, ...sides] = one.split(".").map(Number);
    return { label: labels[label], box: sides.map((side) => side / THOUSANDTHS) };
  });
  /** @param {Truth} truth */
  const fits = ({ label, box: [left, top, right, bottom] }) =>
    label !== undefined && left < right && top < bottom && right <= 1 && bottom <= 1;
  return truths.length <= MOST && truths.every(fits) ? truths : null;
}

export default class MatchingView {
  /** @type {Shown | null} */ #shown = null;
  /** @type {Truth[]} */ #truths = [];
  /** @type {Matching | null} */ #answer = null;
  /** @type {number[] | null} */ #pulled = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server, look }) {
    this.root = root;
    this.look = look;
    this.view = find(root, ".mv");
    /** @type {HTMLImageElement} */ this.image = find(root, "img");
    this.question = new NewestOnly(
      () => ({
        run: this.#shown?.run,
        boxes: this.#truths.map(({ box }) => box),
        labels: this.#truths.map(({ label }) => label),
      }),
      server.match_boxes,
      (answer, question) => {
        if (this.#truths.length && question.run === this.#shown?.run) this.#answered(answer);
      },
    );
    this.#listen();
  }

  show() {
    this.#receive(shared("detection") ?? null);
  }

  #listen() {
    const { root } = this;
    onPull(find(root, ".mv-picture"), {
      begin: () => this.#shown !== null,
      during: (box) => {
        this.#pulled = box;
        this.#paint();
      },
      done: (box) => this.#add(box),
      smallest: SMALLEST,
    });
    find(root, ".mv-add").addEventListener("click", () => this.#add([...FIRST_BOX]));
    find(root, ".mv-take").addEventListener("click", () => {
      const found = above(this.#shown?.candidates ?? []).slice(0, MOST);
      this.#truths = found.map(({ box, label }) => ({ box: box.map((side) => clamp(side, 0, 1)), label }));
      this.#changed();
    });
    find(root, ".mv-clear").addEventListener("click", () => {
      this.#truths = [];
      this.#changed();
    });
    follow("detection", root, (run) => this.#receive(run));
    this.image.addEventListener("load", () => this.#paint());
    new ResizeObserver(() => this.#paint()).observe(this.image);
    new MutationObserver(() => this.#paint()).observe(document.body, { attributeFilter: ["class"] });
  }

  /** @param {Shown | null} run */
  #receive(run) {
    this.view.dataset.state = run ? "full" : "empty";
    const known = run?.run === this.#shown?.run;
    this.#shown = run;
    if (!run || known) return;
    [this.#truths, this.#answer] = [[], null];
    this.image.src = address(run.image);
    const select = find(this.root, ".mv-class");
    select.replaceChildren(...named(run.labels).map((label) => new Option(label, label)));
    if (run.candidates.length) select.value = run.candidates[0].label;
    this.#truths = truthsOf(this.look.take("boxes"), named(run.labels)) ?? [];
    this.#changed();
  }

  /** Boxes came or went. */
  #changed() {
    const { labels, width, height } = /** @type {Shown} */ (this.#shown);
    const rows = this.#truths.map((truth, index) => this.#fields(truth, index, labels, [width, height]));
    find(this.root, ".mv-boxes").replaceChildren(...rows);
    this.look.set("boxes", this.#truths.length ? textOf(this.#truths, named(labels)) : null);
    this.#ask();
  }

  #ask() {
    if (this.#truths.length) return this.question.ask();
    this.#answer = null;
    return this.#explain("No box drawn yet.");
  }

  /** @param {Matching & { error?: string }} answer */
  #answered(answer) {
    this.#answer = answer.error ? null : answer;
    this.#explain(answer.error ?? "");
  }

  /** @param {string} problem */
  #explain(problem) {
    const answer = this.#answer;
    find(this.root, ".mv-problem").textContent = problem;
    const tables = (answer?.truths ?? []).map((rows, index) =>
      costTable(rows, `Box ${index + 1}, ${this.#truths[index]?.label}: query ${rows[0].query}`, answer?.weights ?? []),
    );
    find(this.root, ".mv-tables").replaceChildren(...tables);
    find(this.root, ".mv-loss").textContent = answer ? lossText(answer.loss) : "";
    this.view.dataset.truths = String(this.#truths.length);
    this.view.dataset.matched = (answer?.truths ?? []).map((rows) => rows[0].query).join();
    this.#paint();
  }

  /** @param {number[]} box */
  #add(box) {
    if (this.#truths.length >= MOST) return this.#explain(`At most ${MOST} boxes can be matched.`);
    this.#truths.push({ box, label: find(this.root, ".mv-class").value });
    return this.#changed();
  }

  /** Every box can be typed: left, top, right, bottom in pixels. @param {Truth} truth @param {number} index @param {string[]} labels @param {number[]} size */
  #fields(truth, index, labels, size) {
    const select = element("select", { "aria-label": `class of box ${index + 1}` });
    select.append(...named(labels).map((label) => new Option(label, label)));
    select.value = truth.label;
    select.addEventListener("change", () => {
      truth.label = select.value;
      this.#ask();
    });
    const sides = ["left", "top", "right", "bottom"].map((name, side) => {
      const whole = size[side % 2];
      const input = element("input", { type: "number", min: 0, max: whole, step: 1 });
      input.value = String(Math.round(truth.box[side] * whole));
      input.setAttribute("aria-label", `${name} of box ${index + 1}, pixels`);
      input.addEventListener("input", () => {
        const value = Number(input.value) / whole;
        if (input.value === "" || !(value >= 0 && value <= 1)) return;
        truth.box[side] = value;
        this.#ask();
      });
      return element("label", {}, `${name} `, input);
    });
    const remove = element("button", { type: "button", "aria-label": `Remove box ${index + 1}` }, "Remove");
    remove.addEventListener("click", () => {
      this.#truths.splice(index, 1);
      this.#changed();
      find(this.root, ".mv-add").focus();
    });
    return element("div", { class: "mv-box" }, element("b", {}, String(index + 1)), select, ...sides, remove);
  }

  #paint() {
    const [width, height] = [this.image.clientWidth, this.image.clientHeight];
    if (!this.#shown || !width) return;
    const context = fit(find(this.root, "canvas"), width, height);
    const [drawn, matched] = [role("input"), role("prediction")];
    this.#truths.forEach(({ box, label }, index) => {
      const found = this.#answer?.truths[index]?.[0];
      if (found) strokeBox(context, found.box, width, height, { color: matched, dash: [6, 4] });
      strokeBox(context, box, width, height, { color: drawn, thickness: 3 });
      writeOn(context, `${index + 1} ${label}`, box[0] * width, box[1] * height - 20, drawn);
      if (found) writeOn(context, `query ${found.query}`, found.box[0] * width, found.box[3] * height + 2, matched);
    });
    if (this.#pulled) strokeBox(context, this.#pulled, width, height, { color: drawn, thickness: 3 });
  }
}

/** @param {Record<string, number>} loss */
export function lossText(loss) {
  const write = (/** @type {number} */ value) => fixed(value, 3);
  const total = loss.class + loss.l1 + loss.giou;
  const [one, other, third] = [loss.class, loss.l1, loss.giou].map(write);
  const sign = signOf(`${one} + ${other} + ${third}`, total, write);
  return (
    `The loss of the last layer, if these were all the objects: class ${one} + L1 ${other} + GIoU ${third} ` +
    `${sign} ${write(total)}. Training adds the same for the other layers and the proposals.`
  );
}

/** The three terms and their sum. @param {{ class_cost: number, l1: number, giou: number, total: number }} row */
export const costTexts = ({ class_cost, l1, giou, total }) =>
  [class_cost, l1, giou, total].map((cost) => fixed(cost, 2));

/** @param {QueryCost[]} rows  the matched query first @param {string} title @param {number[]} weights  of the terms */
function costTable(rows, title, [classes, l1, giou]) {
  const head = ["query", `${classes} × class`, `${l1} × L1`, `−${giou} × GIoU`, "sum, rounded", ""];
  const lines = rows.map((row, place) => {
    const costs = costTexts(row);
    const note = place === 0 ? "matched" : row.matched === null ? "" : `matched with box ${row.matched + 1}`;
    const cells = [String(row.query), ...costs, note].map((text) => element("td", {}, text));
    return element("tr", { class: place ? "" : "matched" }, ...cells);
  });
  const titles = element("tr", {}, ...head.map((text) => element("th", {}, text)));
  const table = element("table", {}, titles, ...lines);
  return element("div", {}, element("h5", {}, title), element("div", { class: "mv-scroll" }, table));
}
