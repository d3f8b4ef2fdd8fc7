// A small network trained in the browser on points of the plane: its whole vector field, and noise flowing along it.

import { onWidth } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { clamp, onArrows } from "../core/keys.js";
import { distanceTo, FlowLearner, FlowPath } from "../pieces/flow_learner.js";
import { readLink, textOf } from "../pieces/flow_link.js";
import { drawPlane } from "../pieces/flow_plane.js";
import { EDGE, pointsOf, pointsWith } from "../pieces/flow_shapes.js";
import { drawCurve } from "../pieces/small_curve.js";

/** @typedef {import("../pieces/flow_shapes.js").Shape} Shape */

const PERIOD_MILLISECONDS = 1000 / 30;
const HOLD_UPDATES = 20; // how long finished points stay before they begin again
const CURVE = { points: 120, color: "memory", height: 84 };
const BRUSH_STEP = 0.1;
const SLICE_MILLISECONDS = 12; // of a frame, for a training that a link asks for
const KEPT = new URL("../pieces/flow_spiral.json", import.meta.url).href; // made by tests/ui/flow_spiral.js

export const template = `
<div class="vector-field">
  <p class="gb-said seen"></p>
  <div class="picture">
    <canvas class="plane" tabindex="0" role="img" aria-label="the plane: points to learn, the vector field and points that flow along it"></canvas>
    <p class="legend"><span class="data">● to learn</span> <span class="flowing">● flowing from noise</span> <span class="arrows">→ where a point goes next</span></p>
    <p class="readout" aria-live="polite"></p>
  </div>
  <div class="panel">
    <fieldset class="shapes">
      <legend>What to learn</legend>
      <button type="button" data-shape="spiral" aria-pressed="true">Spiral</button>
      <button type="button" data-shape="moons" aria-pressed="false">Two moons</button>
      <button type="button" data-shape="letters" aria-pressed="false">Letters</button>
      <button type="button" data-shape="drawn" aria-pressed="false">Draw</button>
      <label class="only letters" hidden>Letters <input class="text" type="text" maxlength="3" value="ab" size="4"></label>
      <span class="only drawn" hidden>Draw on the plane. <button type="button" class="wipe">Clear</button></span>
    </fieldset>
    <fieldset>
      <legend>The network</legend>
      <button type="button" class="train primary">Train</button>
      <button type="button" class="once">One update</button>
      <button type="button" class="fresh">New weights</button>
      <label>Optimiser steps an update
        <select class="pace"><option>1</option><option>2</option><option selected>4</option><option>8</option></select></label>
      <p class="facts"></p>
      <svg class="loss" role="img"></svg>
      <p class="caption">loss (v̂ − v)², averaged over 20 updates; it cannot reach 0, for different pairs of noise and picture meet in one place</p>
    </fieldset>
    <fieldset>
      <legend>Points along the field</legend>
      <div class="row">
        <button type="button" class="back" aria-label="one step back">◀</button>
        <button type="button" class="play">Play</button>
        <button type="button" class="forward" aria-label="one step on">▶</button>
        <button type="button" class="again">New noise</button>
      </div>
      <input class="time" type="range" min="0" step="1" value="0" aria-label="step">
      <p class="when"></p>
      <label>Steps from noise to picture
        <select class="count"><option>1</option><option>2</option><option>5</option><option>10</option><option>25</option><option selected>50</option></select></label>
      <label><input class="paths" type="checkbox"> show the paths</label>
    </fieldset>
  </div>
</div>`;

export default class VectorField {
  learner = new FlowLearner();
  path = new FlowPath(this.learner, 50);
  /** @type {Shape} */ #shape = "spiral";
  #training = false;
  #playing = false;
  #held = 0;
  #rate = 0; // measured updates a second
  #awake = false;
  #pointed = false; // the readout says what the network says under the pointer
  #brush = [0, 0];
  #touched = false; // by the visitor, who comes before what it opens on

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, look }) {
    this.look = look;
    this.view = find(root, ".vector-field");
    this.plane = /** @type {HTMLCanvasElement} */ (this.#part(".plane"));
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.#listenToPanel();
    this.#listenToPlane();
    onWidth(this.plane, () => this.#draw());
    this.#choose("spiral");
    this.#open(readLink(look.take("toy"))).catch(() => undefined); // without the kept training it begins untrained
  }

  show() {}

  // How it opens: on a training that was kept, at the end of its flow; or on what a link says

  /** @param {import("../pieces/flow_link.js").Said | null} said */
  async #open(said) {
    const trained = !said || said.kept ? await (await fetch(KEPT)).json() : null;
    if (this.#touched) return;
    if (said) this.#part(".text").value = said.text || "ab";
    if (said && said.shape !== "spiral") this.#choose(said.shape);
    this.learner.seed = said?.seed ?? 0;
    if (trained) this.learner.adopt(trained);
    else this.learner.begin();
    if (said) this.#settle(said);
    await this.#trainTo(this.learner.adopted + (said?.updates ?? 0), said?.pace ?? 1);
    this.path.begin();
    this.path.jump(said?.place ?? this.path.steps);
    this.#show();
  }

  /** @param {import("../pieces/flow_link.js").Said} said */
  #settle({ noise, steps, paths, pace }) {
    this.path.noiseSeed = noise;
    this.path.steps = steps;
    this.#part(".count").value = String(steps);
    this.#part(".paths").checked = paths;
    if (pace) this.#part(".pace").value = String(pace);
  }

  /** A training without pictures of it, a slice a frame. @param {number} updates @param {number} pace */
  async #trainTo(updates, pace) {
    while (this.learner.updates < updates && !this.#touched) {
      const end = performance.now() + SLICE_MILLISECONDS;
      while (this.learner.updates < updates && performance.now() < end) this.learner.update(pace);
      this.#showFacts();
      await new Promise(requestAnimationFrame);
    }
  }

  /** The address says what is seen, once nothing moves. */
  #keep() {
    if (this.#training || this.#playing) return;
    const { learner, path } = this;
    const said = textOf({
      shape: this.#shape,
      kept: learner.adopted > 0,
      seed: learner.seed,
      updates: learner.updates - learner.adopted,
      pace: learner.pace,
      noise: path.noiseSeed,
      steps: path.steps,
      place: path.place,
      paths: this.#part(".paths").checked,
      text: this.#shape === "letters" ? this.#part(".text").value : "",
    });
    this.look.set("toy", said);
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.view, selector);
  }

  // What to learn

  /** @param {Shape} shape */
  #choose(shape) {
    this.#shape = shape;
    this.view.dataset.shape = shape;
    for (const node of this.view.querySelectorAll("[data-shape]"))
      node.setAttribute("aria-pressed", String(node.dataset.shape === shape));
    for (const node of this.view.querySelectorAll(".only")) node.hidden = !node.classList.contains(shape);
    this.#pointed = false;
    this.learner.data = pointsOf(shape, this.#part(".text").value.trim());
    this.learner.begin();
    this.#restart();
  }

  /** @param {number} x @param {number} y */
  #drawAt(x, y) {
    this.#pointed = false;
    this.learner.data = pointsWith(this.learner.data, x, y);
    this.#draw();
  }

  #restart() {
    this.#rate = 0;
    if (!this.learner.data.length) this.#training = false;
    this.#begin();
    this.#show();
  }

  #begin() {
    this.path.begin();
    this.#held = 0;
  }

  // Time: one loop for training and playing, 30 times a second, only while something moves and the page is seen

  /** @param {boolean} on */
  #train(on) {
    this.#training = on && this.learner.data.length > 0;
    if (this.#training && !this.calm.matches) this.#play(true);
    if (!this.#training) this.#play(false);
    this.#wake();
    this.#show();
  }

  /** @param {boolean} on */
  #play(on) {
    this.#playing = on && !this.calm.matches;
    if (on && this.path.over) this.#begin();
    if (on && this.calm.matches) this.path.jump(this.path.steps);
    this.#wake();
    this.#show();
  }

  #wake() {
    if (this.#awake || !(this.#training || this.#playing)) return;
    this.#awake = true;
    let due = performance.now();
    let [since, done] = [due, 0];
    const tick = (/** @type {number} */ now) => {
      if (!this.plane.offsetParent) this.#training = this.#playing = false;
      if (!(this.#training || this.#playing)) {
        this.#awake = false;
        this.#show();
        return;
      }
      requestAnimationFrame(tick);
      if (now < due - 1) return;
      due = Math.max(due + PERIOD_MILLISECONDS, now - PERIOD_MILLISECONDS);
      this.#move();
      done += 1;
      if (now - since > 1000) [this.#rate, since, done] = [(1000 * done) / (now - since), now, 0];
      if (!this.calm.matches || this.learner.updates % 30 === 0) this.#show();
    };
    requestAnimationFrame(tick);
  }

  #move() {
    if (this.#training) this.learner.update(Number(this.#part(".pace").value));
    if (!this.#playing) return;
    if (!this.path.over) this.path.advance();
    else if (this.#held < HOLD_UPDATES) this.#held += 1;
    else if (this.#training) this.#begin();
    else this.#playing = false;
  }

  // What is shown

  #show() {
    const { path, learner } = this;
    this.#part(".train").textContent = this.#training ? "Pause" : "Train";
    this.#part(".play").textContent = this.#playing ? "Pause" : "Play";
    for (const name of [".train", ".once"]) this.#part(name).disabled = !learner.data.length;
    this.#part(".time").max = path.steps;
    this.#part(".time").value = path.place;
    const where = path.place === 0 ? "noise" : path.over ? "what it has made of the noise" : "on the way";
    this.#part(".when").textContent = `step ${path.place} of ${path.steps}, t = ${path.time().toFixed(2)}: ${where}`;
    this.#showFacts();
    this.#showAdvice();
    this.#showSeen();
    const { points, color, height } = CURVE;
    drawCurve(this.#part(".loss"), "loss", learner.curve(points), { color, height });
    this.#draw();
    if (this.#touched) this.#keep();
  }

  #showFacts() {
    const { network, updates } = this.learner;
    const speed = this.#training && this.#rate ? `, ${this.#rate.toFixed(0)} updates a second` : "";
    this.#part(".facts").replaceChildren(
      element("b", {}, network.weights.length.toLocaleString("en")),
      " weights, ",
      element("b", { class: "updates" }, updates.toLocaleString("en")),
      ` updates${speed}`,
    );
  }

  /** One sentence on where the points have come, from their distances. */
  #showSeen() {
    const { learner, path } = this;
    if (!path.over || !learner.data.length || this.#training) return;
    const [noise, made] = [path.path[0], path.points].map((points) => distanceTo(learner.data, points).toFixed(2));
    const kept = learner.adopted
      ? `, ${learner.adopted.toLocaleString("en")} of them beforehand by this page's own code`
      : "";
    this.#part(".seen").textContent =
      `After ${learner.updates.toLocaleString("en")} updates${kept}, ${path.points.length / 2} points that began as noise ` +
      `${noise} from the nearest point of the shape end ${made} from it, on average.`;
  }

  #showAdvice() {
    const readout = this.#part(".readout");
    if (!this.learner.data.length) {
      readout.textContent =
        this.#shape === "drawn"
          ? "Draw something first: with the pointer, or with the arrow keys and the space bar."
          : "Type a letter or a digit first.";
    } else if (!this.#pointed) readout.textContent = "Point at the plane to read the field there.";
  }

  #draw() {
    drawPlane(this.plane, this.learner, this.path, this.#part(".paths").checked);
  }

  // Hands

  /** @param {string} selector @param {string} event @param {() => void} act */
  #on(selector, event, act) {
    this.#part(selector).addEventListener(event, act);
  }

  /** What a hand does ends playing. @param {() => void} move */
  #manually(move) {
    return () => {
      this.#playing = false;
      move();
      this.#show();
    };
  }

  #listenToPanel() {
    for (const kind of ["pointerdown", "keydown", "change"])
      this.view.addEventListener(kind, () => (this.#touched = true), { capture: true });
    for (const button of this.view.querySelectorAll("[data-shape]"))
      button.addEventListener("click", () => this.#choose(button.dataset.shape));
    this.#on(".text", "input", () => this.#choose("letters"));
    this.#on(".wipe", "click", () => this.#choose("drawn"));
    this.#on(".train", "click", () => this.#train(!this.#training));
    this.#on(".fresh", "click", () => {
      this.learner.beginAnew();
      this.#restart();
    });
    const once = () => {
      this.#training = false;
      this.learner.update(Number(this.#part(".pace").value));
      this.path.jump(this.path.place);
    };
    this.#on(".once", "click", this.#manually(once));
    this.#on(".play", "click", () => this.#play(!this.#playing));
    for (const [name, step] of /** @type {[string, number][]} */ ([
      [".back", -1],
      [".forward", 1],
    ])) {
      const move = this.#manually(() => this.path.jump(this.path.place + step));
      this.#on(name, "click", move);
    }
    this.#on(
      ".time",
      "input",
      this.#manually(() => this.path.jump(Number(this.#part(".time").value))),
    );
    const recount = () => {
      this.path.steps = Number(this.#part(".count").value);
      this.#begin();
    };
    this.#on(".count", "change", this.#manually(recount));
    this.#on(
      ".again",
      "click",
      this.#manually(() => {
        this.path.beginAnew();
        this.#held = 0;
      }),
    );
    this.#on(".paths", "change", () => this.#show());
  }

  #listenToPlane() {
    const { plane } = this;
    plane.addEventListener("pointermove", (event) => this.#point(event));
    plane.addEventListener("pointerdown", (event) => {
      if (this.#shape !== "drawn") return;
      plane.setPointerCapture(event.pointerId);
      this.#drawAt(...this.#place(event));
    });
    plane.addEventListener("pointerup", () => this.#shape === "drawn" && this.#show());
    onArrows(plane, (across, down) => {
      if (this.#shape !== "drawn" || !Number.isFinite(across)) return;
      const moved = [this.#brush[0] + BRUSH_STEP * across, this.#brush[1] - BRUSH_STEP * down];
      this.#brush = moved.map((value) => clamp(value, -EDGE, EDGE));
      this.#sayBrush();
    });
    plane.addEventListener("keydown", (event) => {
      if (this.#shape !== "drawn" || event.key !== " ") return;
      event.preventDefault();
      this.#drawAt(this.#brush[0], this.#brush[1]);
      this.#sayBrush();
    });
  }

  #sayBrush() {
    this.#show();
    const [x, y] = this.#brush.map((value) => value.toFixed(1));
    this.#part(".readout").textContent = `Brush at (${x}, ${y}); the space bar draws.`;
  }

  /** Where on the plane the pointer is. @param {PointerEvent} event @returns {[number, number]} */
  #place(event) {
    const box = this.plane.getBoundingClientRect();
    const to = (/** @type {number} */ offset, /** @type {number} */ length) => (offset / length) * 2 * EDGE - EDGE;
    return [to(event.clientX - box.left, box.width), -to(event.clientY - box.top, box.height)];
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const [x, y] = this.#place(event);
    if (this.#shape === "drawn" && event.buttons) {
      this.#drawAt(x, y);
      return;
    }
    if (!this.learner.data.length) return;
    const t = this.path.time();
    const [along, up] = this.learner.directions([x, y], t);
    this.#pointed = true;
    const said = `(${along.toFixed(2)}, ${up.toFixed(2)})`;
    const where = `At (${x.toFixed(2)}, ${y.toFixed(2)}), t = ${t.toFixed(2)}`;
    this.#part(".readout").textContent = `${where} the network says v = ${said}; a point there goes the other way.`;
  }
}
