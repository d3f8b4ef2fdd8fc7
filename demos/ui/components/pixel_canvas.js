// A canvas of few pixels with pen, eraser and, where asked for, a brush that marks a hole to be filled.

import { load, textOf } from "../core/arrays.js";
import { contextOf } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { onCells, onPress } from "../core/keys.js";
import { PixelPainting } from "../pieces/pixel_painting.js";
import { maskOfText, textOfMask } from "../pieces/runs.js";

/** @typedef {import("../types.js").CanvasView} CanvasView */
/** @typedef {import("../pieces/pixel_painting.js").Tool} Tool */

export const template = `
<div class="pixel-canvas">
  <div class="choices" role="listbox" aria-label="sprite to paint on" hidden></div>
  <canvas class="paper" width="32" height="32"></canvas>
  <div class="colors" role="group" aria-label="colour"></div>
  <div class="row tools">
    <button class="pen" type="button" aria-pressed="true">Pen</button>
    <button class="eraser" type="button" aria-pressed="false">Eraser</button>
    <button class="hole" type="button" aria-pressed="false">Hole</button>
  </div>
  <div class="row">
    <label>Size <input class="size" type="range" min="1" max="6" value="2" aria-label="size of the pen"></label>
    <button class="undo" type="button">Undo</button>
    <button class="clear" type="button">Clear</button>
  </div>
</div>`;

const SIDE = 32;
const NAME = "Canvas, %s pixels a side: arrow keys move over it, space paints";
const COLORS = [
  ...["#1b1b1b", "#f5f5f5", "#c0392b", "#e67e22", "#f1c40f"],
  ...["#27ae60", "#2980b9", "#8e44ad", "#7f5539", "#7f8c8d"],
];
const HOLE = [236, 72, 190];
/** @type {Tool[]} */ const TOOLS = ["pen", "eraser", "hole"];

export default class PixelCanvas {
  painting = new PixelPainting(SIDE);
  /** @type {Uint8ClampedArray<ArrayBuffer> | null} */ #pixels = null; // what the server put here, [count, side, side, 4]
  /** @type {CanvasView | null} */ #view = null;
  #sprite = 0;
  /** @type {Tool} */ #tool = "pen";
  #color = COLORS[2];
  /** @type {number[] | null} */ #last = null;
  /** @type {number[] | null} the pixel that arrow keys have reached, [x, y] */ #cursor = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, emit, look }) {
    this.root = find(root, ".pixel-canvas");
    this.look = look;
    this.props = props;
    this.emit = emit;
    this.paper = /** @type {HTMLCanvasElement} */ (this.#part(".paper"));
    this.#part("button.hole").hidden = !props.holes;
    this.#offerColors();
    this.#listen();
    this.#draw();
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.root, selector);
  }

  /** @param {CanvasView | null} value */
  async show(value) {
    if (!value?.pixels || value.token === this.#view?.token) return;
    this.#view = value;
    const { data } = await load(value.pixels);
    if (value !== this.#view) return;
    const { side, count } = value;
    this.#pixels = new Uint8ClampedArray(data);
    Object.assign(this.paper, { width: side, height: side });
    this.paper.setAttribute("aria-label", NAME.replace("%s", String(side)));
    this.#choose(0);
    this.#part(".choices").replaceChildren(...Array.from({ length: count }, (_, number) => this.#choice(number)));
    this.#part(".choices").hidden = count < 2;
    const hole = this.props.holes ? maskOfText(this.look.take("hole") ?? "", side * side) : null;
    if (!hole) return;
    this.painting.hole.set(hole);
    this.#changed();
  }

  /** @param {number} number */
  #original(number) {
    const { side } = this.painting;
    const size = (this.#view?.side ?? side) ** 2 * 4;
    return this.#pixels?.slice(number * size, (number + 1) * size);
  }

  /** @param {number} number */
  #choice(number) {
    const { side } = this.painting;
    const pick = () => {
      this.#choose(number);
      [...this.#part(".choices").children].forEach((other, place) => {
        other.setAttribute("aria-selected", String(place === number));
      });
      this.#send();
    };
    const node = element("canvas", {
      width: side,
      height: side,
      tabIndex: 0,
      role: "option",
      "aria-label": `sprite ${number + 1}`,
      "aria-selected": number === this.#sprite,
    });
    onPress(node, pick);
    contextOf(node).putImageData(
      new ImageData(this.#original(number) ?? new Uint8ClampedArray(side * side * 4), side, side),
      0,
      0,
    );
    return node;
  }

  /** @param {number} number */
  #choose(number) {
    this.#sprite = number;
    this.painting = new PixelPainting(this.#view?.side ?? SIDE, this.#original(number));
    this.#draw();
  }

  #draw() {
    const { rgba, hole, side } = this.painting;
    const shown = new ImageData(side, side);
    shown.data.set(rgba);
    hole.forEach((marked, place) => {
      if (marked) shown.data.set([...HOLE, (place + Math.floor(place / side)) % 2 ? 255 : 90], place * 4);
    });
    if (this.#cursor) {
      const place = 4 * (this.#cursor[1] * side + this.#cursor[0]);
      const light = shown.data[place + 1] > 127 && shown.data[place + 3] > 127;
      shown.data.set(light ? [0, 0, 0, 255] : [255, 255, 255, 255], place);
    }
    contextOf(this.paper).putImageData(shown, 0, 0);
  }

  /** Hands what is on the canvas to the page. */
  #send() {
    const { rgba, painted, hole, side } = this.painting;
    const sent = { sprite: this.#sprite, side, rgba: textOf(rgba), painted: textOf(painted), hole: textOf(hole) };
    this.props.value = { ...this.#view, ...sent };
    if (this.props.holes) this.look.set("hole", textOfMask(hole) || null);
    this.emit.painted();
  }

  #listen() {
    const { paper } = this;
    paper.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      paper.setPointerCapture(event.pointerId);
      this.painting.remember();
      this.#last = this.#place(event);
      this.#stroke(event);
    });
    paper.addEventListener("pointermove", (event) => this.#last && this.#stroke(event));
    for (const name of ["pointerup", "pointercancel"]) {
      paper.addEventListener(name, () => {
        if (!this.#last) return;
        this.#last = null;
        this.#send();
      });
    }
    this.#listenToKeys();
    for (const tool of TOOLS) this.#part(`button.${tool}`).addEventListener("click", () => this.#use(tool));
    this.#part(".undo").addEventListener("click", () => this.painting.undo() && this.#changed());
    this.#part(".clear").addEventListener("click", () => {
      this.painting.clear();
      this.#changed();
    });
  }

  #listenToKeys() {
    /** @param {number[] | null} place */
    const point = (place) => {
      this.#cursor = place;
      this.#draw();
    };
    onCells(this.paper, {
      name: NAME.replace("%s", String(SIDE)),
      size: () => [this.painting.side, this.painting.side],
      over: (row, column) => point([column, row]),
      pick: (row, column) => {
        this.painting.remember();
        this.painting.line([column, row], [column, row], Number(this.#part(".size").value), this.#tool, this.#color);
        this.#changed();
      },
      away: () => point(null),
    });
  }

  #changed() {
    this.#draw();
    this.#send();
  }

  /** @param {PointerEvent} event */
  #stroke(event) {
    const here = this.#place(event);
    this.painting.line(this.#last ?? here, here, Number(this.#part(".size").value), this.#tool, this.#color);
    this.#last = here;
    this.#draw();
  }

  /** The pixel under the pointer. @param {PointerEvent} event */
  #place(event) {
    const box = this.paper.getBoundingClientRect();
    const { side } = this.painting;
    return [
      Math.floor(((event.clientX - box.left) / box.width) * side),
      Math.floor(((event.clientY - box.top) / box.height) * side),
    ];
  }

  /** @param {Tool} tool */
  #use(tool) {
    this.#tool = tool;
    for (const other of TOOLS) this.#part(`button.${other}`).setAttribute("aria-pressed", String(other === tool));
  }

  #offerColors() {
    const own = element("input", { type: "color", value: this.#color, "aria-label": "own colour" });
    const choose = (/** @type {string} */ color) => {
      this.#color = own.value = color;
      this.#use("pen");
    };
    own.addEventListener("input", () => choose(own.value));
    const swatches = COLORS.map((color) =>
      element("button", {
        type: "button",
        class: "swatch",
        style: { background: color },
        "aria-label": `colour ${color}`,
        onclick: () => choose(color),
      }),
    );
    this.#part(".colors").append(...swatches, own);
  }
}
