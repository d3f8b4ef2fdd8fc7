// The opening page: what the app is, one living picture of each idea, how they hang together, and two ways in.

import { image, load } from "../core/arrays.js";
import { element, find } from "../core/dom.js";
import { css, diverging, sequential } from "../core/ramps.js";
import { ask } from "../core/server.js";
import { follow, share } from "../core/shared.js";
import { arrivedAt, openTab } from "../pieces/page_controls.js";

const FRAME_MILLISECONDS = 450;
const SEEN = "glassbox-seen";

export const template = `
<div class="entrance" role="dialog" aria-modal="true" aria-label="Glassbox" hidden>
  <div class="en-page">
    <h1>Glassbox</h1>
    <p class="en-sentence"></p>
    <p class="en-ways"></p>
    <ol class="en-ideas"></ol>
    <p class="en-thread"></p>
    <p class="en-class"></p>
  </div>
</div>`;

const SENTENCE =
  "Watch five kinds of deep-learning model think: every number is computed by the model that runs, now, on what you give it.";
const THREAD =
  "One backbone serves four places: the same DINOv2 Vision Transformer (ViT-S/14) names pictures, finds photos alike and " +
  "learns your own classes in the ViT tab, is the eye of the detector, and tells in the Diffusion tab whether a sprite is new.";

/** @type {[slug: string, title: string, idea: string][]} */
const IDEAS = [
  ["sequences", "Sequences", "A network reads one symbol at a time. All it knows of the past is a list of numbers."],
  ["attention", "Attention", "A memory must hold everything; attention looks back instead, at what it needs."],
  ["vit", "ViT", "Cut a picture into patches, and attention reads it as if it were a sentence."],
  ["detection", "Detection", "Let a set of queries look at the patches: each may become a box with a name."],
  ["diffusion", "Diffusion", "Turn it round: a network that sees what is noise in a picture can make one."],
];

export default class Entrance {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server }) {
    this.server = server;
    this.door = find(root, ".entrance");
    this.door.classList.add("gb-view");
    document.body.append(this.door); // over the page, which is not to be reached meanwhile
    this.timer = 0;
    this.build();
    follow("entrance", root, () => this.open());
    this.door.addEventListener(
      "keydown",
      (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && this.close(),
    );
    if (isFirstVisit()) this.open();
  }

  show() {}

  build() {
    find(this.door, ".en-sentence").textContent = SENTENCE;
    find(this.door, ".en-thread").textContent = THREAD;
    find(this.door, ".en-ways").append(
      action("Start the course", () => this.leave(() => share("lesson-wanted", { tab: "sequences" })), "gb-primary"),
      action("Look around", () => this.close()),
    );
    find(this.door, ".en-class").append(
      action("Enter a class", () => this.leave(() => share("class-door", {}))),
      action("Open a room for a class", () => this.leave(() => share("class-door", { open: true }))),
      action("All words explained", () => this.leave(() => share("glossary", { all: true }))),
    );
    find(this.door, ".en-ideas").append(...IDEAS.map((idea) => this.card(idea)));
  }

  /** @param {[string, string, string]} idea */
  card([tab, title, idea]) {
    const place = element(
      "div",
      { class: "en-picture", data: { state: "waiting" } },
      element("span", {}, "The model is being asked …"),
    );
    return element(
      "li",
      { class: "en-idea", data: { tab } },
      place,
      element("h2", {}, title),
      element("p", {}, idea),
      element("p", { class: "gb-caption en-caption" }),
      action(`Go to ${title}`, () => this.leave(() => openTab(tab))),
      action("Lesson", () => this.leave(() => share("lesson-wanted", { tab }))),
    );
  }

  async open() {
    this.before = /** @type {HTMLElement | null} */ (document.activeElement);
    this.door.hidden = false;
    setInert(true);
    document.documentElement.classList.add("gb-door-open");
    find(this.door, ".en-ways button").focus({ preventScroll: true });
    if (!this.asked) await this.fill();
  }

  close() {
    localStorage.setItem(SEEN, "yes");
    this.door.hidden = true;
    setInert(false);
    document.documentElement.classList.remove("gb-door-open");
    clearInterval(this.timer);
    this.timer = 0;
    this.before?.focus?.({ preventScroll: true });
  }

  /** @param {() => unknown} then */
  leave(then) {
    this.close();
    Promise.resolve(then()).catch((error) => console.warn(error));
  }

  /** The pictures, one after the other: each may load a model. */
  async fill() {
    this.asked = true;
    /** @type {((frame: number) => void)[]} */
    const drawers = [];
    let frame = 0;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const [tab] of IDEAS) {
      if (this.door.hidden) {
        this.asked = false;
        return;
      }
      const card = find(this.door, `[data-tab="${tab}"]`);
      try {
        const view = await ask(this.server.living_picture, { tab });
        const [draw, last] = await drawer(find(card, ".en-picture"), view);
        find(card, ".en-caption").textContent = view.caption;
        find(card, ".en-picture").dataset.state = "full";
        drawers.push((now) => draw(Math.min(last, now % (last + 4))));
        draw(last);
      } catch (error) {
        find(card, ".en-picture").textContent = error instanceof Error ? error.message : String(error);
      }
    }
    if (calm) return;
    this.timer = window.setInterval(() => {
      frame++;
      for (const draw of drawers) draw(frame);
    }, FRAME_MILLISECONDS);
  }
}

/** A first visit without an aim: whoever follows a link goes straight through. */
export function isFirstVisit() {
  try {
    return !localStorage.getItem(SEEN) && !/[?#]./.test(arrivedAt());
  } catch {
    return false; // a browser that keeps nothing would show the door every time
  }
}

/** @param {boolean} inert */
function setInert(inert) {
  const page = /** @type {HTMLElement | null} */ (document.querySelector("gradio-app"));
  if (page) page.inert = inert;
}

/** @param {string} text @param {() => void} act @param {string} [style] */
const action = (text, act, style = "") => element("button", { type: "button", class: style, onclick: act }, text);

/**
 * What draws a frame of a living picture, and the number of its last frame.
 * @param {HTMLElement} place @param {import("../types.js").LivingPicture} view
 * @returns {Promise<[(frame: number) => void, number]>}
 */
async function drawer(place, view) {
  if (view.tab === "sequences") return memory(place, view);
  if (view.tab === "attention") return looks(place, view);
  if (view.tab === "vit") return patches(place, view);
  if (view.tab === "detection") return queries(place, view);
  return denoising(place, view);
}

/** @typedef {import("../types.js").LivingPicture} Living */

/** @param {HTMLElement} place @param {number} width @param {number} height @param {string} label */
function canvasIn(place, width, height, label) {
  const canvas = element("canvas", { width, height, role: "img", "aria-label": label });
  place.replaceChildren(canvas);
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/** @param {HTMLElement} place @param {Living} view @returns {Promise<[(frame: number) => void, number]>} */
async function memory(place, view) {
  const { data, shape } = await load(/** @type {any} */ (view.values));
  const [steps, units] = shape;
  const context = canvasIn(place, steps, units, "The memory of a network, a column for each letter");
  const text = element("p", { class: "en-text" });
  place.append(text);
  const draw = (/** @type {number} */ frame) => {
    context.clearRect(0, 0, steps, units);
    for (let step = 0; step <= frame; step++)
      for (let unit = 0; unit < units; unit++) {
        context.fillStyle = css(diverging(data[step * units + unit]));
        context.fillRect(step, unit, 1, 1);
      }
    text.textContent = view.words
      .slice(Math.max(0, frame - 22), frame + 1)
      .join("")
      .trimStart();
  };
  return [draw, steps - 1];
}

/** @param {HTMLElement} place @param {Living} view @returns {Promise<[(frame: number) => void, number]>} */
async function looks(place, view) {
  const { data, shape } = await load(/** @type {any} */ (view.values));
  const words = view.words.map((word) => element("span", { class: "en-word" }, word));
  place.replaceChildren(element("p", { class: "en-words" }, ...words.flatMap((word) => [word, " "])));
  const most = (/** @type {number} */ row) => Math.max(...data.subarray(row * shape[1], (row + 1) * shape[1]), 1e-6);
  const draw = (/** @type {number} */ frame) => {
    for (const [index, word] of words.entries()) {
      const share = data[frame * shape[1] + index] / most(frame);
      word.style.background = `color-mix(in srgb, var(--gb-key) ${Math.round(55 * share)}%, transparent)`;
      word.dataset.looks = String(index === frame);
    }
  };
  return [draw, shape[0] - 1];
}

/** @param {HTMLElement} place @param {Living} view @returns {Promise<[(frame: number) => void, number]>} */
async function patches(place, view) {
  const { data, shape } = await load(/** @type {any} */ (view.values));
  const [layers, rows, columns] = shape;
  const picture = await image(/** @type {any} */ (view.picture));
  const context = canvasIn(place, picture.width, picture.height, "Where a Vision Transformer looks, layer by layer");
  const [wide, high] = [picture.width / columns, picture.height / rows];
  const draw = (/** @type {number} */ frame) => {
    context.globalAlpha = 1;
    context.drawImage(picture, 0, 0);
    for (let index = 0; index < rows * columns; index++) {
      const value = data[frame * rows * columns + index];
      context.globalAlpha = 0.55;
      context.fillStyle = css(sequential(value));
      context.fillRect((index % columns) * wide, Math.floor(index / columns) * high, wide - 1, high - 1);
    }
  };
  return [draw, layers - 1];
}

/** @param {HTMLElement} place @param {Living} view @returns {Promise<[(frame: number) => void, number]>} */
async function queries(place, view) {
  const picture = await image(/** @type {any} */ (view.picture));
  const context = canvasIn(place, picture.width, picture.height, "Boxes of a detector, stage by stage");
  const draw = (/** @type {number} */ frame) => {
    context.drawImage(picture, 0, 0);
    context.lineWidth = 3;
    context.strokeStyle = frame === view.stages.length - 1 ? "#f0abfc" : "#93c5fd";
    for (const { corners } of view.stages[frame]) {
      const [left, top, right, bottom] = corners;
      const size = [picture.width, picture.height, picture.width, picture.height];
      const [x, y, x2, y2] = [left, top, right, bottom].map((part, index) => part * size[index]);
      context.strokeRect(x, y, x2 - x, y2 - y);
    }
  };
  return [(frame) => draw(Math.min(view.stages.length - 1, Math.floor(frame / 2))), 2 * view.stages.length - 1];
}

/** @param {HTMLElement} place @param {Living} view @returns {Promise<[(frame: number) => void, number]>} */
async function denoising(place, view) {
  const sheet = await image(/** @type {any} */ (view.sheet));
  const size = sheet.height;
  const context = canvasIn(place, size, size, "A sprite coming out of noise");
  context.canvas.classList.add("en-pixels");
  const draw = (/** @type {number} */ frame) => {
    context.clearRect(0, 0, size, size);
    context.drawImage(sheet, frame * size, 0, size, size, 0, 0, size, size);
  };
  return [draw, view.words.length - 1];
}
