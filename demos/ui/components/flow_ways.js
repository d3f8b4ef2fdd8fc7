// Three ways from the same noise to the same shape, in few steps and in many: by the noise, by the direction, and straightened.

import { onWidth } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { FilmControls, filmControls } from "../pieces/film_controls.js";
import { drawWay } from "../pieces/flow_plane.js";
import { pointsOf } from "../pieces/flow_shapes.js";
import { apartFrom, bendOf, networkOf, noisePoints, wayOf } from "../pieces/flow_ways.js";

/** @typedef {import("../pieces/flow_ways.js").WayName} WayName */

const KEPT = new URL("../pieces/flow_ways.json", import.meta.url).href; // made by tests/ui/flow_ways.js
/** @type {WayName[]} */ const NAMES = ["score", "flow", "rectified"];
/** @type {Record<WayName, [string, string]>} */
const TITLES = {
  score: ["Score matching", "says the noise; the way is an arc"],
  flow: ["Flow matching", "says the direction; each training pair is a straight line"],
  rectified: ["Rectified flow", "trained once more, on the pairs that flow matching itself has made"],
};
const [FEW, MANY, MOST_NOISE] = [1, 25, 9_999];
const COUNTS = [1, 2, 5, 25];

const figure = (/** @type {WayName} */ name) => `
    <figure data-way="${name}">
      <canvas role="img" aria-label="${TITLES[name][0]}: points on their way from noise to the spiral"></canvas>
      <figcaption class="gb-caption"><b>${TITLES[name][0]}</b> ${TITLES[name][1]}. <output></output></figcaption>
    </figure>`;

export const template = `
<div class="gb-panel flow-ways" data-state="empty">
  <p class="gb-empty">Three trained networks are fetched.</p>
  <div class="full">
    <p class="gb-said"></p>
    <div class="fw-planes">${NAMES.map(figure).join("")}
    </div>
    ${filmControls}
    <div class="fw-more">
      <label>Steps from noise to shape <select class="count">${COUNTS.map((count) => `<option>${count}</option>`).join("")}</select></label>
      <button type="button" class="again">New noise</button>
    </div>
  </div>
</div>`;

export default class FlowWays {
  data = pointsOf("spiral", "");
  /** @type {Record<string, import("../pieces/flow_ways.js").Network>} */ networks = {};
  /** @type {Record<string, Float64Array[]>} */ ways = {};
  #steps = FEW;
  #noise = 100;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, look }) {
    this.root = find(root, ".flow-ways");
    this.look = look;
    const film = () => ({ length: this.#steps + 1, newest: this.#steps, total: this.#steps + 1 });
    this.controls = new FilmControls(find(root, ".gb-film-controls"), film, () => this.#moved());
    const count = this.#part(".count");
    count.addEventListener("change", () => this.#walk(Number(count.value), this.#noise));
    this.#part(".again").addEventListener("click", () => this.#walk(this.#steps, (this.#noise + 1) % MOST_NOISE));
    for (const canvas of this.root.querySelectorAll("canvas")) onWidth(canvas, () => this.#draw());
    this.#open().catch(() => this.#say("The trained networks did not arrive: reload the page to try again."));
  }

  show() {}

  /** @param {string} selector */
  #part(selector) {
    return find(this.root, selector);
  }

  /** @param {string} sentence */
  #say(sentence) {
    this.#part(".gb-empty").textContent = sentence;
  }

  async #open() {
    const kept = await (await fetch(KEPT)).json();
    for (const name of NAMES) this.networks[name] = networkOf(kept.networks[name]);
    const [steps, place, noise] = wanted(this.look.take("ways")) ?? [FEW, FEW, this.#noise];
    this.#begin(steps, noise);
    this.controls.place.current = place;
    this.#part(".gb-said").textContent = this.#sentence();
    this.root.dataset.state = "full";
    this.#draw();
  }

  /** @param {number} steps @param {number} noise */
  #begin(steps, noise) {
    [this.#steps, this.#noise] = [steps, noise];
    this.#part(".count").value = String(steps);
    this.controls.begin();
    for (const name of NAMES) this.ways[name] = this.#wayOf(name, steps);
  }

  /** @param {WayName} name @param {number} steps */
  #wayOf(name, steps) {
    return wayOf(name, this.networks[name], noisePoints(this.#noise), steps);
  }

  /** Points begin anew and are shown where they end. @param {number} steps @param {number} noise */
  #walk(steps, noise) {
    this.#begin(steps, noise);
    this.#part(".gb-said").textContent = this.#sentence();
    this.controls.go(steps);
  }

  #moved() {
    this.look.set("ways", [this.#steps, this.controls.current, this.#noise].join("."));
    this.#draw();
  }

  #draw() {
    const place = this.controls.current;
    if (!this.ways.flow) return;
    for (const name of NAMES) {
      const way = this.ways[name];
      const node = this.#part(`[data-way=${name}]`);
      drawWay(find(node, "canvas"), this.data, way.slice(0, place + 1));
      find(node, "output").textContent =
        `${apart(this.data, way[place])} from the shape on average; ways ${bendOf(way).toFixed(2)} times as long as straight.`;
    }
    this.controls.say(`step ${place} of ${this.#steps}, t = ${(1 - place / this.#steps).toFixed(2)}`);
  }

  /** One step beside many, from the numbers of these points. */
  #sentence() {
    const ends = (/** @type {number} */ steps) =>
      NAMES.map((name) => apart(this.data, this.#wayOf(name, steps)[steps])).join(", ");
    const last = noisePoints(this.#noise).length / 2;
    return (
      `In one step ${last} points end ${ends(FEW)} from the shape (by the noise, by the direction, straightened); ` +
      `in ${MANY} steps ${ends(MANY)}. Measured from the points to the shape and back, on average.`
    );
  }
}

/** @param {Float64Array} data @param {Float64Array} points */
const apart = (data, points) => apartFrom(data, points).toFixed(2);

/** Steps, place and noise that a link says; null where it says nothing that could be. @param {string | null} said */
export function wanted(said) {
  const parts = (said ?? "").split(".").map(Number);
  const [steps, place, noise] = parts;
  const whole = parts.length === 3 && parts.every((one) => Number.isInteger(one) && one >= 0);
  return whole && COUNTS.includes(steps) && place <= steps && noise < MOST_NOISE ? parts : null;
}
