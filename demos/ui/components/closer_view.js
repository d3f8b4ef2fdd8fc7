// The whole picture beside the same with four of its parts, each of which the detector was asked about too: of the
// picture that `box_figure` shares, at the threshold above. It is asked for when it is opened.

import { address } from "../core/arrays.js";
import { fit, onTheme, strokeBox, strokeShares } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { duration, fixed } from "../core/format.js";
import { role } from "../core/ramps.js";
import { follow, shared } from "../core/shared.js";
import { above, paintBoxes, threshold } from "../pieces/boxes.js";
import { NewestOnly } from "../pieces/newest.js";
import { picturePair } from "../pieces/picture_pair.js";

/** @typedef {import("../types.js").CloserView} Closer */
/** @typedef {import("../types.js").CloserBox} CloserBox */

export const template = `
<div class="cv gb-panel" data-state="empty">
  <p class="gb-empty">Upload a picture or take an example above.</p>
  <div class="cv-body">
    <p class="gb-fault cv-problem" role="status" hidden></p>
    <p class="gb-said cv-said" aria-live="polite"></p>
    ${picturePair(["cv-whole", "The picture with what is found in it as a whole"], ["cv-together", "The picture with what is found in it and in its four parts"])}
  </div>
</div>`;

/** @param {number} count @param {string} noun */
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : noun === "box" ? "es" : "s"}`;

/** Boxes above the threshold that the whole picture alone does not show there. @param {CloserBox[]} boxes */
const added = (boxes) => above(boxes).filter(({ before }) => before <= threshold());

export default class CloserView {
  /** @type {{ run: string, image: string } | null} */ #shown = null;
  /** @type {Closer | null} */ #closer = null;
  /** @type {string | null} the run that was asked about, so that a change of size does not ask again */ #asked = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server }) {
    this.root = root;
    this.view = find(root, ".cv");
    /** @type {NodeListOf<HTMLImageElement>} */ this.images = root.querySelectorAll("img");
    this.question = new NewestOnly(
      () => ({ run: this.#shown?.run }),
      server.look_closer,
      (answer, question) => question.run === this.#shown?.run && this.#answered(answer),
    );
    follow("threshold", root, () => this.#draw());
    follow("detection", root, (run) => this.#receive(run));
    for (const image of this.images) image.addEventListener("load", () => this.#draw());
    new ResizeObserver(() => (this.#closer ? this.#draw() : this.#ask())).observe(this.view);
    onTheme(() => this.#draw());
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
    this.#wait();
    for (const image of this.images) image.src = address(run.image);
    this.#ask();
  }

  /** What the picture before it showed is gone at once. */
  #wait() {
    this.#closer = null;
    delete this.view.dataset.boxes;
    find(this.root, ".cv-said").textContent = "The four parts are being looked at …";
    find(this.root, ".cv-whole-name").textContent = "The whole picture";
    find(this.root, ".cv-together-name").textContent = "With its four parts";
    for (const name of [".cv-whole", ".cv-together"]) fit(find(this.root, name), 1, 1);
  }

  #ask() {
    if (!this.#shown || !this.view.clientWidth || this.#asked === this.#shown.run) return;
    this.#asked = this.#shown.run;
    this.question.ask();
  }

  /** @param {{ error?: string } & Closer} answer */
  #answered({ error, ...closer }) {
    const problem = find(this.root, ".cv-problem");
    problem.hidden = !error;
    problem.textContent = error ?? "";
    find(this.root, ".cv-said").hidden = Boolean(error);
    this.#closer = error ? null : closer;
    this.#draw();
  }

  #draw() {
    const [closer, width, height] = [this.#closer, this.images[0].clientWidth, this.images[0].clientHeight];
    if (!closer || !width) return;
    const [whole, together, more] = [above(closer.whole), above(closer.together), added(closer.together)];
    find(this.root, ".cv-said").textContent = sentence(closer, whole.length, together.length, more);
    find(this.root, ".cv-whole-name").textContent = `The whole picture: ${counted(whole.length, "box")}.`;
    find(this.root, ".cv-together-name").textContent =
      `With its four parts, ${duration(closer.seconds)} more: ${counted(together.length, "box")}; thin: those of the whole picture; dashed: the parts.`;
    paintBoxes(fit(find(this.root, ".cv-whole"), width, height), whole, width, height);
    const context = fit(find(this.root, ".cv-together"), width, height);
    paintCuts(context, closer.windows, width, height);
    for (const { box } of together.filter((one) => !more.includes(one)))
      strokeBox(context, box, width, height, { color: role("prediction"), thickness: 1.5 });
    paintBoxes(context, more, width, height);
    this.view.dataset.boxes = `${whole.length} ${together.length}`;
  }
}

/** Where the parts are cut out. @param {CanvasRenderingContext2D} context @param {number[][]} windows @param {number} width @param {number} height */
function paintCuts(context, windows, width, height) {
  context.save();
  context.strokeStyle = role("paper");
  context.setLineDash([4, 4]);
  for (const window of windows.slice(1)) strokeShares(context, window, width, height);
  context.restore();
}

/** @param {Closer} closer @param {number} whole @param {number} together @param {CloserBox[]} more */
function sentence({ windows, patches }, whole, together, more) {
  const where = `Above ${threshold().toFixed(2)}`;
  if (!more.length) return `${where} the four parts show nothing that the whole picture does not.`;
  const counts = `${where} the whole picture shows ${counted(whole, "thing")}, with its four parts it shows ${together}.`;
  const least = more.reduce((one, other) => (area(other.box) < area(one.box) ? other : one));
  const inWhole = covered(least.box, windows[0], patches);
  const inPart = covered(least.box, windows[least.window], patches);
  return `${counts} The smallest that is new, ${least.label}, covers ${inWhole} patches of the whole picture and ${inPart} of its part.`;
}

/** @param {number[]} box */
const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);

/** Patches across and down that a box covers where a window is all that is seen. @param {number[]} box @param {number[]} window @param {number[]} patches rows, columns */
function covered([left, top, right, bottom], [x0, y0, x1, y1], [rows, columns]) {
  const across = ((right - left) / (x1 - x0)) * columns;
  const down = ((bottom - top) / (y1 - y0)) * rows;
  return `${fixed(across, 1)} by ${fixed(down, 1)}`;
}
