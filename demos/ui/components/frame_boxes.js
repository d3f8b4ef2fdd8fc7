// Frames with boxes that the visitor draws: uploads and webcam snapshots, shrunk in the browser.
//
// Value, set here after every change and read by Python: { frames: [{ jpeg: base64, boxes: [{ box: [left, top, right,
// bottom] in shares of the frame, name }] }] }. The server may set the same with a `token`, which replaces what is there.
// The event `drawn` follows every change.

import { fit, onWidth } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { clamp, onArrows } from "../core/keys.js";
import { follow, share, shared } from "../core/shared.js";
import { outline, writeOn } from "../pieces/boxes.js";
import { onPull } from "../pieces/pull.js";
import { jpegOf, pictureOf, Webcam } from "../pieces/webcam.js";

/** @typedef {{ box: number[], name: string }} Drawn */
/** @typedef {{ jpeg: string, boxes: Drawn[] }} Frame */

export const template = `
<div class="frame-boxes">
  <div class="fb-tools">
    <button type="button" class="fb-upload">Add pictures</button>
    <button type="button" class="fb-camera">Open the camera</button>
    <button type="button" class="fb-snap" disabled>Take a frame</button>
    <input type="file" accept="image/*" multiple hidden>
    <span class="fb-message" role="status">Add a few frames that show your thing in different places, then draw a box around it in each.</span>
  </div>
  <div class="fb-live" hidden><video class="wc-video" autoplay muted playsinline aria-label="the webcam"></video></div>
  <div class="fb-frames" role="tablist" aria-label="frames"></div>
  <div class="fb-work" hidden>
    <div class="fb-picture"><img alt="the frame to draw on"><canvas tabindex="0" role="application" aria-label="Draw a box: press and pull, or press Enter to put one in the middle and move it with the arrow keys, with Shift to resize it."></canvas></div>
    <div class="fb-side">
      <label>Name of what you draw <input class="fb-name" type="text" maxlength="40" value="thing"></label>
      <ul class="fb-list" aria-label="boxes of this frame"></ul>
      <button type="button" class="fb-remove">Remove this frame</button>
    </div>
  </div>
</div>`;

const LONGEST = 640; // pixels
const [SMALLEST, STEP] = [0.02, 0.02];
const FIRST_BOX = [0.35, 0.35, 0.65, 0.65];
const DRAWN = "Draw a box around each thing to be found. A frame without one is a lesson too: nothing is there.";

/**
 * A box moved by a step, or with its right and bottom side; it stays inside of the frame.
 * @param {number[]} box @param {number} across @param {number} down @param {boolean} resize
 */
export function stepped([left, top, right, bottom], across, down, resize) {
  const [x, y] = [across * STEP, down * STEP];
  if (resize) return [left, top, clamp(right + x, left + SMALLEST, 1), clamp(bottom + y, top + SMALLEST, 1)];
  const [dx, dy] = [clamp(x, -left, 1 - right), clamp(y, -top, 1 - bottom)];
  return [left + dx, top + dy, right + dx, bottom + dy];
}

export default class FrameBoxes {
  /** @type {Frame[]} */ #frames = [];
  #at = 0;
  #token = "";
  /** @type {Drawn | null} the box that is moved by keys */ #held = null;
  /** @type {number[] | null} the box that is being pulled */ #pulled = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, emit }) {
    this.root = root;
    this.props = props;
    this.emit = emit;
    /** @type {HTMLCanvasElement} */ this.canvas = find(root, "canvas");
    /** @type {HTMLVideoElement} */ this.video = find(root, "video");
    this.camera = new Webcam(this.video, (sentence, state) => {
      find(root, ".fb-live").hidden = state !== "on" && state !== "starting";
      find(root, ".fb-snap").disabled = state !== "on";
      find(root, ".fb-camera").textContent = state === "on" ? "Close the camera" : "Open the camera";
      this.#say(sentence, state);
    });
    this.#listen();
    this.#listenToCanvas();
    follow("frame", root, () => this.#take());
    this.#take();
  }

  /** A frame that the live page wants taught. */
  #take() {
    const jpeg = shared("frame");
    if (!jpeg) return;
    share("frame", null);
    this.#add(jpeg);
  }

  /** @param {{ token?: string, frames: Frame[] } | null} value */
  show(value) {
    if (!value?.token || value.token === this.#token) return;
    this.#token = value.token;
    this.#frames = value.frames.map(({ jpeg, boxes }) => ({ jpeg, boxes: boxes.map((one) => ({ ...one })) }));
    this.#choose(0);
  }

  #listen() {
    const { root, video } = this;
    const files = find(root, "input[type=file]");
    find(root, ".fb-upload").addEventListener("click", () => files.click());
    files.addEventListener("change", async () => {
      for (const file of [...files.files]) await this.#addFile(file);
      files.value = "";
    });
    find(root, ".fb-camera").addEventListener("click", () =>
      this.camera.on ? this.camera.stop() : this.camera.start(),
    );
    find(root, ".fb-snap").addEventListener("click", () => {
      if (this.camera.on) this.#add(jpegOf(video, video.videoWidth, video.videoHeight, LONGEST));
    });
    find(root, ".fb-remove").addEventListener("click", () => {
      this.#frames.splice(this.#at, 1);
      this.#choose(this.#at);
      this.#send();
    });
    find(root, ".fb-picture img").addEventListener("load", () => this.#paint());
    onWidth(find(root, ".fb-picture"), () => this.#paint());
  }

  #listenToCanvas() {
    onPull(this.canvas, {
      begin: () => this.#mayDraw(),
      during: (box) => {
        this.#pulled = box;
        this.#paint();
      },
      done: (box) => this.#draw(box),
      smallest: SMALLEST,
    });
    this.canvas.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.#mayDraw()) this.#held = this.#draw([...FIRST_BOX]);
    });
    let resize = false;
    this.canvas.addEventListener("keydown", (event) => {
      resize = event.shiftKey;
    });
    onArrows(this.canvas, (across, down) => {
      if (!this.#held || !Number.isFinite(across)) return;
      this.#held.box = stepped(this.#held.box, across, down, resize);
      this.#paint();
      this.#send();
    });
  }

  /** @param {string} sentence */
  #say(sentence, state = "") {
    const message = find(this.root, ".fb-message");
    message.textContent = sentence;
    message.dataset.state = state;
  }

  #send() {
    this.props.value = { frames: this.#frames.map(({ jpeg, boxes }) => ({ jpeg, boxes })) };
    this.emit.drawn();
  }

  /** @param {File} file */
  async #addFile(file) {
    try {
      const picture = await pictureOf(file);
      this.#add(jpegOf(picture, picture.width, picture.height, LONGEST));
      picture.close();
    } catch (problem) {
      this.#say(/** @type {Error} */ (problem).message, "error");
    }
  }

  /** @param {string} jpeg */
  #add(jpeg) {
    if (this.#frames.length >= this.props.max_frames)
      return this.#say(`At most ${this.props.max_frames} frames can be learned from.`, "error");
    this.#frames.push({ jpeg, boxes: [] });
    this.#choose(this.#frames.length - 1);
    this.#send();
    return this.#say(DRAWN);
  }

  #mayDraw() {
    if (this.#frames[this.#at].boxes.length < this.props.max_boxes) return true;
    this.#say(`A frame has at most ${this.props.max_boxes} boxes.`, "error");
    return false;
  }

  /** @param {number[]} box @returns {Drawn} */
  #draw(box) {
    const drawn = { box, name: find(this.root, ".fb-name").value.trim() || "thing" };
    this.#frames[this.#at].boxes.push(drawn);
    this.#changed();
    return drawn;
  }

  /** @param {number} place */
  #choose(place) {
    this.#at = clamp(place, 0, Math.max(0, this.#frames.length - 1));
    this.#held = null;
    const any = this.#frames.length > 0;
    find(this.root, ".fb-work").hidden = !any;
    this.#listFrames();
    if (!any) return;
    find(this.root, ".fb-picture img").src = address(this.#frames[this.#at]);
    this.#listBoxes();
  }

  #changed() {
    this.#listFrames();
    this.#listBoxes();
    this.#send();
  }

  #listFrames() {
    const tabs = this.#frames.map((frame, index) => {
      const about = {
        type: "button",
        role: "tab",
        "aria-selected": index === this.#at,
        "aria-label": `frame ${index + 1}, ${frame.boxes.length} boxes`,
        onclick: () => this.#choose(index),
      };
      const picture = element("img", { src: address(frame), alt: "" });
      return element("button", about, picture, element("span", {}, String(frame.boxes.length)));
    });
    find(this.root, ".fb-frames").replaceChildren(...tabs);
  }

  #listBoxes() {
    const { boxes } = this.#frames[this.#at];
    const items = boxes.map((one, index) => {
      const label = `remove box ${index + 1}, ${one.name}`;
      const remove = element("button", { type: "button", "aria-label": label, onclick: () => this.#remove(one) }, "×");
      return element("li", {}, element("span", { title: one.name }, one.name), remove);
    });
    find(this.root, ".fb-list").replaceChildren(...items);
    this.#paint();
  }

  /** @param {Drawn} drawn */
  #remove(drawn) {
    if (this.#held === drawn) this.#held = null;
    const { boxes } = this.#frames[this.#at];
    boxes.splice(boxes.indexOf(drawn), 1);
    this.#changed();
  }

  #paint() {
    const frame = this.#frames[this.#at];
    if (!frame) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const context = fit(this.canvas, width, height);
    for (const one of frame.boxes) {
      const ink = one === this.#held ? "#fcd34d" : "#f0abfc";
      paintDrawn(context, one.box, width, height, ink);
      writeOn(context, one.name, one.box[0] * width, one.box[1] * height - 19, "rgb(0 0 0 / .7)", "#fff");
    }
    if (this.#pulled) paintDrawn(context, this.#pulled, width, height, "#fcd34d");
  }
}

/** @param {Frame} frame */
const address = ({ jpeg }) => `data:image/jpeg;base64,${jpeg}`;

/** @param {CanvasRenderingContext2D} context @param {number[]} box @param {number} width @param {number} height @param {string} ink */
function paintDrawn(context, box, width, height, ink) {
  outline(context, box, width, height, [
    ["rgb(0 0 0 / .6)", 4],
    [ink, 2],
  ]);
}
