// The same answers with and without non-maximum suppression, after every stage of the detector: of the picture that
// `box_figure` shares, at the threshold above and the chosen overlap. The boxes come from the kept run on the server.

import { address } from "../core/arrays.js";
import { fit, strokeBox } from "../core/canvas.js";
import { chip, element, find, keepFocus } from "../core/dom.js";
import { role } from "../core/ramps.js";
import { follow, shared } from "../core/shared.js";
import { paintBoxes, threshold } from "../pieces/boxes.js";
import { NewestOnly } from "../pieces/newest.js";
import { picturePair } from "../pieces/picture_pair.js";

/** @typedef {import("../types.js").StageView} StageView */
/** @typedef {import("../types.js").StageBox} StageBox */

export const template = `
<div class="sv gb-panel" data-state="empty">
  <p class="gb-empty">Upload a picture or take an example above.</p>
  <div class="sv-body">
    <div class="sv-controls">
      <label>overlap (IoU) above which NMS removes <output class="sv-iou-value"></output><input class="sv-iou" type="range" min="0.05" max="0.95" step="0.05" value="0.5"></label>
      <div class="gb-chips sv-stages" role="group" aria-label="stage"></div>
    </div>
    <div class="sv-hide"><span class="gb-caption">which queries are seen by the others</span>
    <div class="gb-chips sv-hidden" role="group" aria-label="hidden queries"></div></div>
    <p class="gb-fault sv-problem" role="status" hidden></p>
    <p class="gb-said sv-said" aria-live="polite" hidden></p>
    ${picturePair(["sv-before", "The picture with all boxes of this stage"], ["sv-after", "The picture with the boxes that suppression leaves"])}
    <div class="sv-scroll"><table class="gb-table sv-table"><thead><tr><th>after</th><th>boxes</th><th>NMS removes</th><th>left</th></tr></thead><tbody></tbody></table></div>
  </div>
</div>`;

/** @param {number} count */
const counted = (count) => `${count} ${count === 1 ? "box" : "boxes"}`;

/** @param {StageView} stage */
const removed = ({ boxes }) => boxes.filter(({ kept }) => !kept).length;

export default class SuppressionView {
  /** @type {{ run: string, image: string } | null} */ #shown = null;
  /** @type {StageView[]} */ #stages = [];
  /** @type {number | null} */ #stage = null;
  /** @type {import("../types.js").AnsweringQuery[]} */ #queries = [];
  #hidden = "none"; // "alone", or the number of the query that is taken out

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server, look }) {
    this.root = root;
    this.look = look;
    this.view = find(root, ".sv");
    /** @type {NodeListOf<HTMLImageElement>} */ this.images = root.querySelectorAll("img");
    this.iou = find(root, ".sv-iou");
    this.question = new NewestOnly(
      () => ({ run: this.#shown?.run, threshold: threshold(), iou: Number(this.iou.value), hidden: this.#asked() }),
      server.suppress_boxes,
      (answer, question) => question.run === this.#shown?.run && this.#answered(answer),
    );
    this.iou.addEventListener("input", () => this.#ask());
    follow("threshold", root, () => this.#ask());
    follow("detection", root, (run) => this.#receive(run));
    for (const image of this.images) image.addEventListener("load", () => this.#draw());
    new ResizeObserver(() => (this.#stages.length ? this.#draw() : this.#ask())).observe(this.view);
    new MutationObserver(() => this.#draw()).observe(document.body, { attributeFilter: ["class"] });
  }

  show() {
    this.#receive(shared("detection") ?? null);
  }

  /** @param {{ run: string, image: string } | null} run */
  #receive(run) {
    this.view.dataset.state = run ? "full" : "empty";
    const known = run?.run === this.#shown?.run;
    this.#shown = run;
    if (!run || known) return;
    [this.#stages, this.#stage] = [[], null];
    const said = this.look.take("hidden");
    this.#hidden = said === "alone" || /^\d+$/.test(said ?? "") ? String(said) : "none";
    for (const image of this.images) image.src = address(run.image);
    this.#ask();
  }

  #ask() {
    if (!this.#shown || !this.view.clientWidth) return;
    find(this.root, ".sv-iou-value").textContent = Number(this.iou.value).toFixed(2);
    this.question.ask();
  }

  #asked() {
    return /^\d+$/.test(this.#hidden) ? Number(this.#hidden) : this.#hidden;
  }

  /** @param {string} hidden */
  #hide(hidden) {
    this.#hidden = hidden;
    this.look.set("hidden", hidden === "none" ? null : hidden);
    this.#ask();
  }

  #drawHidden() {
    const queries = this.#queries.map(({ query, label, score }) => [
      String(query),
      `without ${label} ${score.toFixed(2)} (query ${query})`,
    ]);
    const choices = [["none", "all"], ["alone", "none sees another"], ...queries];
    const chips = choices.map(([hidden, name]) => chip(name, hidden === this.#hidden, () => this.#hide(hidden)));
    keepFocus(this.view, () => find(this.root, ".sv-hidden").replaceChildren(...chips));
  }

  /** @param {{ error?: string } & import("../types.js").SuppressionView} answer */
  #answered({ error, stages, queries, said }) {
    const problem = find(this.root, ".sv-problem");
    problem.hidden = !error;
    problem.textContent = error ?? "";
    if (error) return;
    this.#stages = stages;
    this.#queries = queries;
    if (/^\d+$/.test(this.#hidden) && !queries.some(({ query }) => query === this.#asked())) this.#hidden = "none";
    find(this.root, ".sv-said").hidden = !said;
    find(this.root, ".sv-said").textContent = said;
    this.view.dataset.hidden = this.#hidden;
    this.#drawHidden();
    this.#stage ??= stages.length - 1;
    this.#draw();
  }

  #draw() {
    if (!this.#stages.length) return;
    const stage = this.#stages[this.#stage ?? 0];
    const kept = stage.boxes.filter((box) => box.kept);
    const chips = this.#stages.map(({ name }, index) =>
      chip(name, index === this.#stage, () => {
        this.#stage = index;
        this.#draw();
      }),
    );
    keepFocus(this.view, () => find(this.root, ".sv-stages").replaceChildren(...chips));
    find(this.root, ".sv-before-name").textContent =
      `Without NMS, ${stage.name}: ${counted(stage.boxes.length)}; dashed: what NMS would remove.`;
    find(this.root, ".sv-after-name").textContent = `With NMS: ${counted(kept.length)}.`;
    this.#paint(".sv-before", stage.boxes);
    this.#paint(".sv-after", kept);
    find(this.root, ".sv-table tbody").replaceChildren(...this.#stages.map((one, index) => this.#row(one, index)));
    this.view.dataset.removed = String(removed(stage));
    this.view.dataset.boxes = String(stage.boxes.length);
  }

  /** @param {StageView} stage @param {number} index */
  #row(stage, index) {
    const cells = [stage.name, stage.boxes.length, removed(stage), stage.boxes.length - removed(stage)];
    const line = cells.map((text) => element("td", {}, String(text)));
    return element("tr", { "aria-current": index === this.#stage }, ...line);
  }

  /** @param {string} name @param {StageBox[]} boxes */
  #paint(name, boxes) {
    const [width, height] = [this.images[0].clientWidth, this.images[0].clientHeight];
    if (!width) return;
    const context = fit(find(this.root, name), width, height);
    const kept = boxes.filter((box) => box.kept);
    paintBoxes(context, kept, width, height);
    for (const { box } of boxes.filter((one) => !one.kept))
      strokeBox(context, box, width, height, { color: role("key"), dash: [5, 4], thickness: 2 });
  }
}
