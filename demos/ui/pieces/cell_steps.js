// The cell at work: its parts light up in the order in which they are computed, with the numbers of one unit.

import { element, svg } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { clamp } from "../core/keys.js";
import { styleOf } from "../core/style.js";
import { busiest, CELLS } from "./cell_diagram.js";

styleOf(import.meta.url);

const SECONDS_A_STAGE = 1.6;
const [WIDE, HIGH, ROUND] = [30, 16, 13];

export class CellSteps {
  /** @type {import("./cell_diagram.js").Cell | null} */ #cell = null;
  /** @type {Record<string, ArrayLike<number>>} */ #inside = {};
  #stage = 0;
  #unit = 0;
  #kind = "";
  #playing = 0;
  #words = { input: "", output: "" };

  /** @param {HTMLElement} root @param {{ onStage: (maps: string[]) => void, onUnit: (unit: number) => void }} told */
  constructor(root, { onStage, onUnit }) {
    this.root = root;
    this.onStage = onStage;
    this.onUnit = onUnit;
    /** @param {string} text @param {() => void} onclick */
    const button = (text, onclick) => element("button", { type: "button", onclick }, text);
    this.play = button("Play", () => (this.#playing ? this.#stop() : this.#start()));
    this.unit = element("input", { type: "number", min: 0, step: 1, class: "cs-unit" });
    this.unit.addEventListener("input", () => this.choose(Math.round(Number(this.unit.value) || 0)));
    const busy = button("where most happens", () => this.choose(busiest(this.#inside)));
    const steps = [button("Back", () => this.#go(-1)), button("Next", () => this.#go(1)), this.play];
    this.controls = element("div", { class: "cs-controls" }, ...steps, element("label", {}, "unit ", this.unit), busy);
    this.drawing = svg("svg", { viewBox: "0 0 660 315", class: "cs-drawing", role: "img" });
    this.says = element("p", { class: "cs-says", "aria-live": "polite" });
    root.replaceChildren(this.controls, this.says, this.drawing);
  }

  /**
   * @param {string} kind of cell, or empty @param {Record<string, ArrayLike<number>>} inside by name, of all units
   * @param {{ input: string, output: string }} words what goes in and what comes out
   */
  show(kind, inside, words) {
    this.#cell = CELLS[kind] ?? null;
    this.root.hidden = !this.#cell;
    if (!this.#cell) return this.#stop();
    const first = kind !== this.#kind;
    [this.#kind, this.#inside, this.#words] = [kind, inside, words];
    const units = inside["hidden state"].length;
    this.unit.max = String(units - 1);
    if (first) [this.#unit, this.#stage] = [busiest(inside), this.#cell.stages.length - 1];
    this.choose(Math.min(this.#unit, units - 1));
  }

  /** @param {number} unit */
  choose(unit) {
    this.#unit = clamp(unit, 0, Number(this.unit.max));
    if (document.activeElement !== this.unit) this.unit.value = String(this.#unit);
    this.#draw();
    this.onUnit(this.#unit);
  }

  #numbers() {
    return Object.fromEntries(Object.entries(this.#inside).map(([name, values]) => [name, values[this.#unit]]));
  }

  #start() {
    this.#stage = -1;
    this.#go(1);
    this.#playing = window.setInterval(() => this.#go(1), 1000 * SECONDS_A_STAGE);
    this.play.textContent = "Stop";
  }

  #stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
    this.play.textContent = "Play";
  }

  /** @param {number} by */
  #go(by) {
    const last = (this.#cell?.stages.length ?? 1) - 1;
    this.#stage = clamp(this.#stage + by, 0, last);
    if (this.#playing && (this.#stage === last || by < 0)) this.#stop();
    this.#draw();
  }

  #draw() {
    const cell = this.#cell;
    if (!cell) return;
    const numbers = this.#numbers();
    const done = cell.stages.slice(0, this.#stage + 1).flatMap(({ parts }) => parts);
    const { parts: now, maps, says } = cell.stages[this.#stage];
    this.says.textContent = `${this.#stage + 1} of ${cell.stages.length}. ${says(numbers)}`;
    this.drawing.setAttribute("aria-label", `The cell, unit ${this.#unit}: ${says(numbers)}`);
    const wires = cell.wires.map((wire) => {
      const [from, to] = wire.split(" ").map((name) => cell.parts[name]);
      const lit = done.includes(wire.split(" ")[1]) ? " done" : "";
      const path = `M${from.x},${from.y} C${from.x},${(from.y + to.y) / 2} ${to.x},${(from.y + to.y) / 2} ${to.x},${to.y}`;
      return svg("path", {
        d: from.y === to.y ? `M${from.x},${from.y} L${to.x},${to.y}` : path,
        class: `cs-wire${lit}`,
      });
    });
    const nodes = Object.entries(cell.parts).map(([name, part]) =>
      this.#part(name, part, numbers, `${done.includes(name) ? " done" : ""}${now.includes(name) ? " now" : ""}`),
    );
    this.drawing.replaceChildren(...wires, ...nodes);
    this.onStage(maps);
  }

  /** @param {string} name @param {import("./cell_diagram.js").Part} part @param {Record<string, number>} numbers @param {string} lit */
  #part(name, { label, x, y, role, form = "box", number }, numbers, lit) {
    const shape =
      form === "circle"
        ? svg("circle", { cx: x, cy: y, r: ROUND })
        : svg("rect", { x: x - WIDE, y: y - HIGH, width: 2 * WIDE, height: 2 * HIGH, rx: form === "value" ? HIGH : 5 });
    const said = { x: this.#words.input, y: this.#words.output }[name];
    const below = said ?? (number && lit ? fixed(number(numbers), 3) : "");
    return svg(
      "g",
      { class: `cs-part${lit}`, style: { color: `var(--gb-${role})` } },
      shape,
      svg("text", { x, y: y + 4.5, class: "cs-label" }, label),
      svg("text", { x, y: y + (form === "circle" ? ROUND : HIGH) + 13, class: "cs-number" }, lit ? below : ""),
    );
  }
}
