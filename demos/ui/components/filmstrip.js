// The reverse process as a film: x_t, predicted noise and predicted x_0 of every step; play, step, jump, fork, save.

import { image } from "../core/arrays.js";
import { contextOf } from "../core/canvas.js";
import { element, find, save } from "../core/dom.js";
import { clamp, onArrows, onCells } from "../core/keys.js";
import { ask } from "../core/server.js";
import { FilmControls, filmControls } from "../pieces/film_controls.js";
import { FilmRuns } from "../pieces/film_runs.js";
import { Sheets, tile } from "../pieces/sheets.js";
import { StepSums } from "../pieces/step_sums.js";

/** @typedef {import("../types.js").FilmView} FilmView */
/** @typedef {import("../types.js").StepView} StepView */
/** @typedef {"x_t" | "noise" | "x_0"} Kind */

const STEP_TOLD_AFTER_MILLISECONDS = 100; // so that stepping fast asks the server once
const LARGE_SIDE = 128; // pixels; larger pictures get more room
/** @type {Kind[]} */ const KINDS = ["x_t", "noise", "x_0"];
const BACKGROUND = "#4a5260";

const lane = (/** @type {string} */ extra) => `
      <section class="lane ${extra}">
        <p class="lane-name"></p>
        <div class="stage">
          <figure class="of-x_t"><figcaption>x<sub>t</sub></figcaption><div class="canvas x_t"></div></figure>
          <figure><figcaption>predicted noise</figcaption><div class="canvas noise"></div></figure>
          <figure class="of-x_0"><figcaption>predicted x<sub>0</sub></figcaption><div class="canvas x_0"></div></figure>
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
    ${filmControls}
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
  #touched = false; // by the visitor: another step was chosen
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
    this.walk = Boolean(props.walk);
    this.film.classList.toggle("walk", this.walk);
    this.film.classList.toggle("with-pixels", Boolean(props.pixels));
    this.controls = new FilmControls(
      this.#part(".gb-film-controls"),
      () => this.runs,
      () => this.#moved(),
    );
    this.#listen();
    this.#paintBackground(BACKGROUND);
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.film, selector);
  }

  /** How many sprites stand side by side: of a walk all, else as many as below each other. @param {number} count */
  #across(count) {
    return this.walk ? count : Math.ceil(Math.sqrt(count));
  }

  /** Place on the rail of the step that is shown. */
  get #current() {
    return this.controls.current;
  }

  /** @param {FilmView | null} value */
  async show(value) {
    if (!value) return this.#clear();
    const taken = this.runs.take(value);
    if (taken === "unknown" || !this.runs.length) return;
    if (taken === "new") this.#begin(value);
    this.film.dataset.state = "full";
    this.controls.place.arrived(this.runs.newest);
    if (value.first !== null && !this.#touched) this.controls.place.current = value.first;
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
    this.controls.jump(step - 1);
  }

  #clear() {
    this.film.dataset.state = "empty";
    this.runs = new FilmRuns();
    this.sheets.forget();
    this.controls.stop();
  }

  /** @param {FilmView} film */
  #begin(film) {
    this.#touched = false;
    this.film.style.setProperty("--across", String(this.#across(film.count)));
    this.look.set("step", null);
    this.controls.begin();
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
        onclick: () => this.controls.go(place),
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
    this.controls.say(`step ${this.#current + 1} of ${runs.total}, t = ${step.t}`);
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
        if (this.pixels) made.addEventListener("click", (event) => this.#pointAt(event, number, picture));
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
  #pointAt(event, number, sprite) {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const side = this.runs.step(number, this.#current).size;
    const place = (/** @type {number} */ offset, /** @type {number} */ size) =>
      clamp(Math.floor((offset / size) * side), 0, side - 1);
    this.#askPixel(
      number,
      sprite,
      place(event.clientY - box.top, box.height),
      place(event.clientX - box.left, box.width),
    );
  }

  /** Arrow keys move over the pixels of all sprites of a picture, Enter reads one. @param {HTMLElement} canvas @param {number} number of the lane */
  #walkPixels(canvas, number) {
    const at = (/** @type {number} */ row, /** @type {number} */ column) => {
      const { size } = this.runs.step(number, this.#current);
      const sprite = Math.floor(row / size) * this.#across(this.runs.count) + Math.floor(column / size);
      return { size, sprite, row: row % size, column: column % size };
    };
    const unmark = () => canvas.querySelector(".fs-cursor")?.remove();
    onCells(canvas, {
      name: "Pixels: arrow keys move over them, Enter shows the numbers of one",
      size: () => {
        const side = this.runs.length ? this.runs.step(number, this.#current).size : 0;
        const across = this.#across(this.runs.count);
        return [Math.ceil(this.runs.count / across) * side, across * side];
      },
      over: (row, column) => {
        const place = at(row, column);
        unmark();
        const style = { left: `${(100 * place.column) / place.size}%`, top: `${(100 * place.row) / place.size}%` };
        const width = `${100 / place.size}%`;
        canvas.children[place.sprite]?.append(
          element("i", { class: "fs-cursor", style: { ...style, width, height: width } }),
        );
      },
      pick: (row, column) => {
        const place = at(row, column);
        if (place.sprite < this.runs.count) this.#askPixel(number, place.sprite, place.row, place.column);
      },
      away: unmark,
    });
  }

  /** @param {number} number of the lane @param {number} sprite @param {number} row @param {number} column */
  async #askPixel(number, sprite, row, column) {
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
    onArrows(this.#part(".rail"), (across) => across && this.controls.go(this.#current + across));
    if (this.pixels)
      for (const [number, lane] of [...this.film.querySelectorAll(".lane")].entries())
        for (const canvas of lane.querySelectorAll(".canvas")) this.#walkPixels(canvas, number);
    for (const node of this.film.querySelectorAll(".save"))
      node.addEventListener("click", () => this.#save(node.dataset.what));
    const color = this.#part(".color");
    color.addEventListener("input", () => this.#paintBackground(color.value));
    this.#part(".clear").addEventListener("click", () => this.#paintBackground(this.#background ? null : color.value));
    this.#part(".fork").addEventListener("click", () => {
      this.controls.stop();
      const number = this.runs.shows(1, this.#current) ? 1 : 0;
      const { run, steps } = this.runs.lanes[number];
      this.emit.fork({ run, place: Math.min(this.#current, steps.length - 1) });
    });
  }

  /** Another step was chosen. */
  #moved() {
    this.#touched = true;
    this.look.set("step", this.#current + 1);
    this.#drawStep();
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
