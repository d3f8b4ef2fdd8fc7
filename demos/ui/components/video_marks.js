// The counting line and the zone on a frame of a video file, before it is processed: as over live video.

import { address } from "../core/arrays.js";
import { fit, onWidth } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { WatchMarks } from "../pieces/watch_marks.js";

/** @typedef {import("../types.js").MarksView} MarksView */
/** @typedef {"line" | "zone"} Kind */

export const template = `
<div class="vm gb-panel" data-state="empty">
  <p class="gb-empty">Choose a video: a line and a zone can be set on its first frame.</p>
  <div class="vm-body">
    <div class="vm-choices">
      <label><input type="checkbox" class="vm-line"> counting line</label>
      <label><input type="checkbox" class="vm-zone"> zone</label>
    </div>
    <div class="vm-screen"><img alt="A frame of the video"><canvas></canvas></div>
    <p class="gb-caption">Drag the points, or move them with the arrow keys; then press Process.</p>
  </div>
</div>`;

export default class VideoMarks {
  /** @type {MarksView | null} */ #shown = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit, look }) {
    this.root = root;
    this.emit = emit;
    this.look = look;
    this.screen = find(root, ".vm-screen");
    this.marks = new WatchMarks(this.screen, (done) => {
      this.#draw();
      if (done) this.#tell();
    });
    for (const kind of /** @type {Kind[]} */ (["line", "zone"]))
      find(root, `.vm-${kind}`).addEventListener("change", (/** @type {any} */ { target }) => {
        this.marks.set(kind, target.checked);
        this.#draw();
        this.#tell();
      });
    find(root, "img").addEventListener("load", () => this.#draw());
    onWidth(this.screen, () => this.#draw());
  }

  /** @param {MarksView | null} value */
  show(value) {
    const first = !this.#shown;
    this.#shown = value;
    find(this.root, ".vm").dataset.state = value ? "full" : "empty";
    if (!value) return;
    find(this.root, "img").src = address(value.image);
    const said = { line: pointsOf(this.look.take("line"), 2), zone: pointsOf(this.look.take("zone"), 3) };
    const linked = Boolean(said.line || said.zone);
    for (const kind of /** @type {Kind[]} */ (["line", "zone"])) {
      const points = linked ? said[kind] : first ? value[kind] : null;
      if (!points) continue;
      this.marks.set(kind, true, points);
      find(this.root, `.vm-${kind}`).checked = true;
    }
    if (linked || (first && this.marks.any)) this.#tell(linked);
    this.#draw();
  }

  /** @param {boolean} keep whether the address tells of it */
  #tell(keep = true) {
    const { line, zone } = this.marks.points;
    if (keep) for (const [kind, points] of Object.entries({ line, zone })) this.look.set(kind, textOf(points));
    this.emit.marked({ line, zone });
  }

  #draw() {
    const { clientWidth, clientHeight } = find(this.root, "img");
    if (!clientWidth || !clientHeight) return;
    const context = fit(find(this.root, ".vm-screen canvas"), clientWidth, clientHeight);
    this.marks.paint(context, clientWidth, clientHeight);
  }
}

/** @param {number[][] | null} points */
const textOf = (points) => points?.map((point) => point.map((share) => share.toFixed(3)).join("_")).join("~") ?? null;

/** @param {string | null} text @param {number} least how many points */
function pointsOf(text, least) {
  const points = (text ?? "").split("~").map((point) => point.split("_").map(Number));
  const right = points.every((point) => point.length === 2 && point.every((share) => share >= 0 && share <= 1));
  return right && points.length >= least && points.length <= 20 ? points : null;
}
