// The visitor's own classifier at work: on the webcam, frame after frame, or on one picture. The newest frame is sent when
// the one before is answered, so that nothing waits in line.
//
// The server's `classify_square({ name, jpeg })` answers { probabilities, adds, seconds }, { busy } or { error }. `adds`:
// what speaks for the first answer, row by row of the patches, 0 to 1; it is laid over the picture.

import { contextOf } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { duration } from "../core/format.js";
import { pictureOf, squareJpeg, Webcam } from "../pieces/webcam.js";

/** @typedef {import("../types.js").ClassTrialView} ClassTrialView */
/** @typedef {{ probabilities: number[], adds: number[][], seconds: number }} Answer */

const BUSY_MILLISECONDS = 120;
const RATE_FRAMES = 20;
const STRONGEST = 0.65; // how much of the colour covers the patch that adds most

export const template = `
<div class="class-trial" data-state="empty">
  <p class="gb-empty">After the training, show it something new here: by webcam or as a picture.</p>
  <div class="ct-full">
    <div class="ct-screen">
      <video class="wc-video" autoplay muted playsinline aria-label="the webcam"></video>
      <img class="ct-picture" alt="the picture that was given" hidden>
      <canvas class="ct-look" aria-hidden="true"></canvas>
    </div>
    <div class="ct-side">
      <div class="ct-tools">
        <button type="button" class="ct-start">Start the camera</button>
        <button type="button" class="ct-stop" disabled>Stop</button>
        <button type="button" class="ct-file">A picture</button>
        <input type="file" accept="image/*" hidden>
      </div>
      <p class="ct-message" role="status">Frames are answered and forgotten.</p>
      <label class="ct-looks"><input type="checkbox" checked> Show where it looks: what each patch adds to the first answer</label>
      <div class="ct-bars"></div>
      <div class="gb-strip ct-times"></div>
    </div>
  </div>
</div>`;

export default class ClassTrial {
  /** @type {ClassTrialView | null} */ #own = null;
  /** @type {number[]} times of the last answers */ #answered = [];
  #round = 0; // counts starts and stops: answers to earlier frames are ignored

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server }) {
    this.root = root;
    this.server = server;
    this.panel = /** @type {HTMLElement} */ (find(root, ".class-trial"));
    this.video = /** @type {HTMLVideoElement} */ (find(root, "video"));
    const input = /** @type {HTMLInputElement} */ (find(root, "input[type=file]"));
    this.looks = /** @type {HTMLInputElement} */ (find(root, ".ct-looks input"));
    this.looks.addEventListener("change", () => find(root, ".ct-look").toggleAttribute("hidden", !this.looks.checked));
    this.camera = new Webcam(this.video, (sentence, state) => this.#heard(sentence, state));
    find(root, ".ct-start").addEventListener("click", () => this.#start());
    find(root, ".ct-stop").addEventListener("click", () => this.camera.stop());
    find(root, ".ct-file").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      input.value = "";
      if (file) this.#askAbout(file);
    });
  }

  /** @param {ClassTrialView | null} value */
  show(value) {
    this.#own = value;
    this.panel.dataset.state = value ? "full" : "empty";
    if (!value) {
      if (this.camera.on) this.camera.stop();
      return;
    }
    const bars = value.labels.map((label) =>
      element("div", { class: "ct-bar" }, element("b", { title: label }, label), element("span"), element("i")),
    );
    find(this.root, ".ct-bars").replaceChildren(...bars);
    find(this.root, ".ct-times").replaceChildren();
    this.#look([]);
  }

  /** @param {number[][]} adds nothing: the picture as it is */
  #look(adds) {
    const canvas = /** @type {HTMLCanvasElement} */ (find(this.root, ".ct-look"));
    [canvas.width, canvas.height] = [adds[0]?.length ?? 1, adds.length || 1];
    const context = contextOf(canvas);
    context.fillStyle = getComputedStyle(this.panel).getPropertyValue("--gb-prediction");
    for (const [y, row] of adds.entries())
      for (const [x, share] of row.entries()) {
        context.globalAlpha = STRONGEST * share;
        context.fillRect(x, y, 1, 1);
      }
  }

  /** @param {string} sentence @param {import("../pieces/webcam.js").CameraState} state */
  #heard(sentence, state) {
    find(this.root, ".ct-message").textContent = sentence;
    find(this.root, ".ct-start").disabled = state === "on" || state === "starting";
    find(this.root, ".ct-stop").disabled = state !== "on";
    if (state !== "on") this.#look([]);
    if (this.#own) this.panel.dataset.state = state === "error" ? "error" : "full";
    if (state !== "starting") this.#round += 1;
  }

  async #start() {
    find(this.root, ".ct-picture").hidden = true;
    this.video.hidden = false;
    this.#answered = [];
    if (!(await this.camera.start())) return;
    const mine = this.#round;
    while (this.camera.on && mine === this.#round && this.#own) {
      const frame = squareJpeg(this.video, this.video.videoWidth, this.video.videoHeight);
      const wait = (await this.#ask(frame, mine)) === "busy" ? pause : nextFrame;
      await wait();
    }
  }

  /** @param {File} file */
  async #askAbout(file) {
    if (this.camera.on) this.camera.stop();
    try {
      const picture = await pictureOf(file);
      const jpeg = squareJpeg(picture, picture.width, picture.height);
      Object.assign(find(this.root, ".ct-picture"), { src: `data:image/jpeg;base64,${jpeg}`, hidden: false });
      this.video.hidden = true;
      this.panel.dataset.state = "full";
      find(this.root, ".ct-message").textContent = file.name;
      const mine = ++this.#round;
      while ((await this.#ask(jpeg, mine)) === "busy") await pause();
    } catch (problem) {
      find(this.root, ".ct-message").textContent = /** @type {Error} */ (problem).message;
      this.panel.dataset.state = "error";
    }
  }

  /** @param {string} jpeg @param {number} round @returns {Promise<"late" | "failed" | "busy" | "shown">} */
  async #ask(jpeg, round) {
    const begun = performance.now();
    const lost = { error: "The server did not answer: it may have been restarted." };
    const answer = await this.server.classify_square({ name: this.#own?.name, jpeg }).catch(() => lost);
    if (round !== this.#round) return "late";
    if (answer.busy) return "busy";
    if (answer.error) {
      if (this.camera.on) this.camera.stop(answer.error, "error");
      find(this.root, ".ct-message").textContent = answer.error;
      this.panel.dataset.state = "error";
      return "failed";
    }
    this.#show(answer, (performance.now() - begun) / 1000);
    return "shown";
  }

  /** @param {Answer} answer @param {number} roundTrip seconds */
  #show({ probabilities, adds, seconds }, roundTrip) {
    this.#look(adds);
    const best = probabilities.indexOf(Math.max(...probabilities));
    [...find(this.root, ".ct-bars").children].forEach((row, place) => {
      row.classList.toggle("is-first", place === best);
      find(row, "span").textContent = shareOf(probabilities[place]);
      find(row, "i").style.setProperty("--share", `${100 * probabilities[place]}%`);
    });
    this.panel.dataset.best = this.#own?.labels[best] ?? "";
    const facts = [
      ["model time", duration(seconds)],
      ["there and back", duration(roundTrip)],
      ...(this.camera.on ? [["frames", this.#rate()]] : []),
    ];
    const cells = facts.map(([name, value]) => element("span", {}, element("b", {}, name), ` ${value}`));
    find(this.root, ".ct-times").replaceChildren(...cells);
    this.panel.dataset.answers = String(Number(this.panel.dataset.answers ?? 0) + 1);
  }

  #rate() {
    const now = performance.now();
    this.#answered = [...this.#answered.slice(-RATE_FRAMES), now].filter((time) => now - time < 5000);
    const count = this.#answered.length - 1;
    return count > 0 ? `${((1000 * count) / (now - this.#answered[0])).toPrecision(2)} /s` : "first";
  }
}

/** @param {number} share */
const shareOf = (share) => `${(100 * share).toFixed(share > 0.995 || share < 0.0995 ? 1 : 0)} %`;

const pause = () => new Promise((done) => setTimeout(done, BUSY_MILLISECONDS));
const nextFrame = () => new Promise((done) => requestAnimationFrame(done));
