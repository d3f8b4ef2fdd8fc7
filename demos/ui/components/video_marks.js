// The counting line and the zone on a frame of a video file, before it is processed: as over live video.

import { address } from "../core/arrays.js";
import { fit, onWidth } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { KINDS, pointsOf, textOf, WatchMarks } from "../pieces/watch_marks.js";

/** @typedef {import("../types.js").MarksView} MarksView */

export const template = `
<div class="vm gb-panel" data-state="empty">
  <p class="gb-empty">Choose a video: a line and a zone can be set on its first frame.</p>
  <div class="vm-body">
    <div class="vm-choices">
      <label><input type="checkbox" class="vm-line"> counting line</label>
      <label><input type="checkbox" class="vm-zone"> zone</label>
    </div>
    <div class="vm-screen"><img alt="A frame of the video"><canvas></canvas></div>
    <p class="gb-caption"><span class="vm-when"></span> Drag the points, or move them with the arrow keys; then press
    Process.</p>
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
    for (const kind of KINDS)
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
    find(this.root, ".vm-when").textContent = whenOf(value);
    const said = { line: pointsOf(this.look.take("line"), "line"), zone: pointsOf(this.look.take("zone"), "zone") };
    const linked = Boolean(said.line || said.zone);
    for (const kind of KINDS) {
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
    if (keep) for (const kind of KINDS) this.look.set(kind, textOf(this.marks.points[kind]));
    this.emit.marked({ line, zone });
  }

  #draw() {
    const { clientWidth, clientHeight } = find(this.root, "img");
    if (!clientWidth || !clientHeight) return;
    const context = fit(find(this.root, ".vm-screen canvas"), clientWidth, clientHeight);
    this.marks.paint(context, clientWidth, clientHeight);
  }
}

/** @param {MarksView} value */
function whenOf({ seconds, length }) {
  return `The frame at ${seconds.toFixed(1)}${length ? ` of ${length.toFixed(1)}` : ""} s.`;
}
