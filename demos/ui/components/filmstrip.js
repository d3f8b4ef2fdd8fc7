// The reverse process as a film: x_t, predicted noise and predicted x_0 of every step; play, step, jump, fork, save.

import { image } from "../core/arrays.js";
import { contextOf } from "../core/canvas.js";
import { element, find, save } from "../core/dom.js";
import { clamp, onArrows } from "../core/keys.js";
import { ask } from "../core/server.js";
import { FilmRuns } from "../pieces/film_runs.js";
import { Sheets, tile } from "../pieces/sheets.js";
import { StepSums } from "../pieces/step_sums.js";

/** @typedef {import("../types.js").FilmView} FilmView */
/** @typedef {import("../types.js").StepView} StepView */
/** @typedef {"x_t" | "noise" | "x_0"} Kind */

const FRAME_MILLISECONDS = 160;
const STEP_TOLD_AFTER_MILLISECONDS = 100; // so that stepping fast asks the server once
const LARGE_SIDE = 128; // pixels; larger pictures get more room
/** @type {Kind[]} */ const KINDS = ["x_t", "noise", "x_0"];
const BACKGROUND = "#4a5260";

const lane = (/** @type {string} */ extra) => `
      <section class="lane ${extra}">
        <p class="lane-name"></p>
        <div class="stage">
          <figure><div class="canvas x_t"></div></figure>
          <figure><div class="canvas noise"></div></figure>
          <figure><div class="canvas x_0"></div></figure>
        </div>
      </section>`;

export const template = `
<div class="filmstrip" data-state="empty">
  <p class="gb-empty"></p>
  <div class="full">
    <p class="gb-said" hidden></p>
    <div class="lanes">${lane("original")}${lane("other")}
      <div class="stage captions">
        <p><b>x<sub>t</sub></b> <span>what it sees</span></p>
        <p><b class="noise-word">predicted noise</b> <span>in it</span></p>
        <p><b class="prediction-word">predicted x<sub>0</sub></b> <span>what is left</span></p>
      </div>
    </div>
    <div class="controls">
      <button class="back" type="button" aria-label="one step back">◀</button>
      <button class="play" type="button">Play</button>
      <button class="forward" type="button" aria-label="one step forward">▶</button>
      <input class="jump" type="range" min="1" step="1" aria-label="step">
      <output class="where"></output>
    </div>
    <p class="arithmetic" aria-live="polite"></p>
    <div class="pixel" aria-live="polite"></div>
    <div class="rail" role="listbox" aria-label="all steps" tabindex="0"></div>
    <div class="tools">
      <button class="fork" type="button" hidden>Fork from this step</button>
      <span class="saves">Save <select class="which" aria-label="picture to save"></select>
        <button class="save" data-what="x_t" type="button">x<sub>t</sub></button>
        <button class="save" data-what="noise" type="button">noise</button>
        <button class="save" data-what="x_0" type="button">x<sub>0</sub></button></span>
      <span class="background">Background
        <button class="clear" type="button">transparent</button>
        <input class="color" type="color" value="${BACKGROUND}" aria-label="background colour"></span>
    </div>
  </div>
</div>`;

export default class Filmstrip {
  runs = new FilmRuns();
  sheets = new Sheets();
  #current = 0; // place on the rail
  #touched = false; // by the visitor: another step was chosen
  #follow = true; // show the newest step while they arrive
  /** @type {number | undefined} */ #timer;
  /** @type {number | undefined} */ #telling;
  #shown = ""; // run and place of the step that is shown
  /** @type {string | null} */ #background = BACKGROUND; // null: transparent

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, emit, server, look }) {
    this.film = find(root, ".filmstrip");
    this.look = look;
    this.emit = emit;
    this.pixels = props.pixels ? server.view_pixel : null;
    this.sums = new StepSums(this.#part(".arithmetic"), this.#part(".pixel"));
    this.#part(".gb-empty").textContent = props.empty;
    this.#part(".fork").hidden = !props.forkable;
    this.film.classList.toggle("with-pixels", Boolean(props.pixels));
    this.#listen();
    this.#paintBackground(BACKGROUND);
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.film, selector);
  }

  /** @param {FilmView | null} value */
  async show(value) {
    if (!value) return this.#clear();
    const taken = this.runs.take(value);
    if (taken === "unknown" || !this.runs.length) return;
    if (taken === "new") this.#begin(value);
    this.film.dataset.state = "full";
    this.#part(".jump").max = this.runs.length;
    if (this.#follow) this.#current = this.runs.newest;
    if (value.first !== null && !this.#touched) this.#current = value.first;
    this.#part(".gb-said").hidden = !value.finding;
    this.#part(".gb-said").textContent = value.finding;
    this.#goWhereTheLinkSays();
    const arrived = this.sheets.load(value.steps.flatMap((step) => KINDS.map((kind) => step[kind])));
    this.#draw();
    await arrived;
    this.#draw();
  }

  #goWhereTheLinkSays() {
    const { newest, total } = this.runs;
    if (newest + 1 < total) return;
    const step = Number(this.look.take("step"));
    if (!Number.isInteger(step) || step < 1) return;
    this.#touched = true;
    this.#jump(step - 1);
  }

  #clear() {
    this.film.dataset.state = "empty";
    this.runs = new FilmRuns();
    this.sheets.forget();
    this.#stop();
  }

  /** @param {FilmView} film */
  #begin(film) {
    [this.#follow, this.#touched] = [true, false];
    this.film.style.setProperty("--across", String(Math.ceil(Math.sqrt(film.count))));
    this.look.set("step", null);
    this.#stop();
    if (!film.fork) this.sheets.forget();
    const side = film.steps[0]?.size ?? 0;
    if (side) this.film.dataset.pictures = side > LARGE_SIDE ? "large" : "small";
    this.#part(".rail").replaceChildren();
  }

  #draw() {
    this.#drawRail();
    this.#drawStep();
  }

  // The rail

  #drawRail() {
    const rail = this.#part(".rail");
    for (let place = rail.children.length; place < this.runs.length; place++) {
      const step = this.runs.lanes[0].steps[place] ?? this.runs.lanes[1].steps[place];
      if (!this.#arrived(step)) return;
      rail.append(this.#railStep(step, place));
    }
    this.#drawForked(rail);
  }

  /** @param {HTMLElement} rail */
  #drawForked(rail) {
    const fork = this.runs.lanes[1];
    fork?.steps.forEach((step, place) => {
      const node = rail.children[place];
      if (place < fork.from || !this.#arrived(step) || node.querySelector(".forked")) return;
      node.append(this.#tile(step, "x_0", 0, "clean forked"));
    });
  }

  /** @param {StepView} step @param {number} place */
  #railStep(step, place) {
    return element(
      "button",
      {
        type: "button",
        class: "step",
        tabIndex: -1,
        role: "option",
        "aria-label": `step ${place + 1}, t = ${step.t}`,
        title: this.sums.sentence(step),
        onclick: () => this.#go(place),
      },
      element("small", {}, `t ${step.t}`),
      this.#tile(step, "x_t", 0),
      this.#tile(step, "noise", 0),
      this.#tile(step, "x_0", 0, "clean"),
    );
  }

  /** @param {StepView} step */
  #arrived(step) {
    return KINDS.every((kind) => this.sheets.known(step[kind]));
  }

  /** @param {StepView} step @param {Kind} kind @param {number} picture @param {string} [extra] */
  #tile(step, kind, picture, extra) {
    return tile(this.sheets.known(step[kind]) ?? "", picture, this.runs.count, extra);
  }

  // The step that is shown

  #drawStep() {
    const { runs } = this;
    const lanes = [...this.film.querySelectorAll(".lane")];
    lanes[1].hidden = runs.lanes.length < 2 || !runs.shows(1, this.#current);
    const shown = runs.lanes.map((_, number) => runs.step(number, this.#current)).filter(Boolean);
    if (!shown.length || !shown.every((step) => this.#arrived(step))) return;
    for (const [number, step] of shown.entries()) this.#drawLane(lanes[number], number, step);
    const number = lanes[1].hidden ? 0 : 1;
    const step = runs.step(number, this.#current);
    this.#part(".jump").value = this.#current + 1;
    this.#part(".where").textContent = `step ${this.#current + 1} of ${runs.total}, t = ${step.t}`;
    this.sums.show(step);
    this.#offerSprites();
    this.#markRail();
    this.#tell(runs.lanes[number].run);
  }

  /** @param {HTMLElement} node @param {number} number @param {StepView} step */
  #drawLane(node, number, step) {
    find(node, ".lane-name").textContent = this.#laneName(number, step);
    for (const kind of KINDS) {
      const tiles = Array.from({ length: this.runs.count }, (_, picture) => {
        const made = this.#tile(step, kind, picture);
        if (this.pixels) made.addEventListener("click", (event) => this.#askPixel(event, number, picture));
        return made;
      });
      find(node, `.canvas.${kind}`).replaceChildren(...tiles);
    }
  }

  /** @param {number} number @param {StepView} step */
  #laneName(number, step) {
    if (this.runs.lanes.length < 2) return "";
    if (number === 0) return "original";
    const { from, changed } = this.runs.lanes[1];
    const difference =
      step.difference === null
        ? ""
        : `; its x₀ differs from the original's by ${step.difference.toPrecision(2)} (root mean square)`;
    return `fork at step ${from + 1}: ${changed}${difference}`;
  }

  #markRail() {
    const rail = this.#part(".rail");
    [...rail.children].forEach((node, place) => {
      node.setAttribute("aria-selected", String(place === this.#current));
    });
    const chosen = /** @type {HTMLElement | undefined} */ (rail.children[this.#current]);
    if (chosen) rail.scrollLeft = chosen.offsetLeft - rail.clientWidth / 2;
  }

  /** Says which step is shown; the pixel read in another one is no longer. @param {string} run */
  #tell(run) {
    const shown = `${run} ${this.#current}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.sums.clearPixel();
    clearTimeout(this.#telling);
    const place = this.#current;
    this.#telling = setTimeout(() => this.emit.step({ run, place }), STEP_TOLD_AFTER_MILLISECONDS);
  }

  /** @param {MouseEvent} event @param {number} number of the lane @param {number} sprite */
  async #askPixel(event, number, sprite) {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const side = this.runs.step(number, this.#current).size;
    const place = (/** @type {number} */ offset, /** @type {number} */ size) =>
      clamp(Math.floor((offset / size) * side), 0, side - 1);
    const [column, row] = [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
    const run = this.runs.lanes[number].run;
    const before = this.#shown;
    try {
      const pixel = await ask(this.pixels, { run, place: this.#current, sprite, row, column });
      if (before === this.#shown) this.sums.showPixel(pixel);
    } catch (error) {
      if (before === this.#shown) this.sums.say(error instanceof Error ? error.message : String(error));
    }
  }

  // Hands

  #listen() {
    this.#part(".play").addEventListener("click", () => this.#play());
    this.#part(".back").addEventListener("click", () => this.#go(this.#current - 1));
    this.#part(".forward").addEventListener("click", () => this.#go(this.#current + 1));
    const jump = this.#part(".jump");
    jump.addEventListener("input", () => this.#go(Number(jump.value) - 1));
    onArrows(this.#part(".rail"), (across) => across && this.#go(this.#current + across));
    for (const node of this.film.querySelectorAll(".save"))
      node.addEventListener("click", () => this.#save(node.dataset.what));
    const color = this.#part(".color");
    color.addEventListener("input", () => this.#paintBackground(color.value));
    this.#part(".clear").addEventListener("click", () => this.#paintBackground(this.#background ? null : color.value));
    this.#part(".fork").addEventListener("click", () => {
      this.#stop();
      const number = this.runs.shows(1, this.#current) ? 1 : 0;
      const { run, steps } = this.runs.lanes[number];
      this.emit.fork({ run, place: Math.min(this.#current, steps.length - 1) });
    });
  }

  /** @param {number} place */
  #go(place) {
    this.#stop();
    this.#jump(place);
  }

  /** @param {number} place */
  #jump(place) {
    this.#touched = true;
    const { newest, total, length } = this.runs;
    this.#current = clamp(place, 0, length - 1);
    this.#follow = this.#current === newest && newest + 1 < total;
    this.look.set("step", this.#current + 1);
    this.#drawStep();
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#part(".play").textContent = "Play";
  }

  #play() {
    if (this.#timer) return this.#stop();
    if (this.#current >= this.runs.length - 1) this.#jump(0);
    this.#part(".play").textContent = "Pause";
    this.#timer = setInterval(() => {
      if (this.#current < this.runs.length - 1) this.#jump(this.#current + 1);
      else this.#stop();
    }, FRAME_MILLISECONDS);
  }

  #offerSprites() {
    const { count, lanes } = this.runs;
    const options = lanes.flatMap((_, number) =>
      Array.from({ length: count }, (_, sprite) => [
        `${number}:${sprite}`,
        `${sprite + 1}${number ? " of the fork" : ""}`,
      ]),
    );
    const which = this.#part(".which");
    which.hidden = options.length < 2;
    if (which.options.length === options.length) return;
    which.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
  }

  /** @param {Kind} kind */
  async #save(kind) {
    const [number, sprite] = this.#part(".which").value.split(":").map(Number);
    const step = this.runs.step(number, this.#current);
    const canvas = element("canvas", { width: step.size, height: step.size });
    const context = contextOf(canvas);
    if (this.#background && kind === "x_0") {
      context.fillStyle = this.#background;
      context.fillRect(0, 0, step.size, step.size);
    }
    context.drawImage(await image(this.sheets.known(step[kind]) ?? step[kind]), -step.size * sprite, 0);
    const name = kind.replace("_", "");
    save(canvas.toDataURL("image/png"), `${name}-step-${this.#current + 1}-sprite-${sprite + 1}.png`);
  }

  /** @param {string | null} color */
  #paintBackground(color) {
    this.#background = color;
    this.film.dataset.background = color ? "color" : "none";
    this.film.style.setProperty("--sprite-background", color ?? "transparent");
    this.#part(".clear").setAttribute("aria-pressed", String(!color));
  }
}
