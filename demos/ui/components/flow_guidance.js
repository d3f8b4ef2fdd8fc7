// Guidance in the plane: two crossing bars, a class each. What asking for a class does, and what asking for more of it does.

import { onWidth } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { drawWay } from "../pieces/flow_plane.js";
import { crossingBars, networkOf, noisePoints, reachOf, shareOnOwnBar, wayOf } from "../pieces/flow_ways.js";

const KEPT = new URL("../pieces/flow_ways.json", import.meta.url).href; // made by tests/ui/flow_ways.js
const [STEPS, SEED, FIRST, MOST] = [25, 100, 3, 6];

export const template = `
<div class="gb-panel flow-guidance" data-state="empty">
  <p class="gb-empty">A trained network is fetched.</p>
  <div class="full">
    <p class="gb-said"></p>
    <div class="fg-body">
      <canvas role="img" aria-label="two crossing bars, and points that were asked for one or the other"></canvas>
      <div>
        <label>Guidance <output></output>
          <input type="range" min="0" max="${MOST}" step="0.5" aria-label="guidance"></label>
        <p class="gb-caption"><b class="fg-rising">● asked for the rising bar</b> <b class="fg-falling">● asked for the falling bar</b>
          from the same noise. 0 asks for no class, 1 for the class alone, more goes beyond.</p>
      </div>
    </div>
  </div>
</div>`;

export default class FlowGuidance {
  bars = crossingBars();
  /** @type {import("../pieces/flow_ways.js").Network | null} */ #network = null;
  /** @type {Float64Array[]} */ #way = [];
  #guidance = FIRST;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, look }) {
    this.root = find(root, ".flow-guidance");
    this.look = look;
    this.noise = noisePoints(SEED);
    this.told = Int8Array.from({ length: this.noise.length / 2 }, (_, i) => i % 2);
    const slider = this.#part("input");
    slider.addEventListener("input", () => {
      this.#ask(Number(slider.value));
      this.look.set("guidance", this.#guidance);
    });
    onWidth(this.#part("canvas"), () => this.#draw());
    this.#open().catch(() => {
      this.#part(".gb-empty").textContent = "The trained network did not arrive: reload the page to try again.";
    });
  }

  show() {}

  /** @param {string} selector */
  #part(selector) {
    return find(this.root, selector);
  }

  async #open() {
    const kept = await (await fetch(KEPT)).json();
    this.#network = networkOf(kept.networks.classes);
    const said = Number(this.look.take("guidance") ?? FIRST);
    this.#ask(said >= 0 && said <= MOST ? said : FIRST);
    this.root.dataset.state = "full";
    this.#draw();
  }

  /** @param {number} guidance */
  #walk(guidance) {
    if (!this.#network) return [this.noise];
    return wayOf("flow", this.#network, this.noise, STEPS, { told: this.told, guidance });
  }

  /** @param {number} guidance */
  #ask(guidance) {
    this.#guidance = guidance;
    this.#way = this.#walk(guidance);
    this.#part("input").value = String(guidance);
    this.#part("output").textContent = guidance.toFixed(1);
    const ends = [guidance, 1].map((one) => this.#walk(one)[STEPS]);
    const [own, ownAlone] = ends.map((points) => `${Math.round(100 * shareOnOwnBar(points, this.told))} %`);
    const [reach, reachAlone] = [...ends, this.bars.data].map((points) => reachOf(points).toFixed(2));
    this.#part(".gb-said").textContent =
      `With guidance ${guidance.toFixed(1)}, ${own} of ${this.told.length} points end nearer to the bar that they were asked for ` +
      `(with 1: ${ownAlone}), and ${reach} from where the bars cross on average (with 1: ${reachAlone}; the data ${reachOf(this.bars.data).toFixed(2)}).`;
    this.#draw();
  }

  #draw() {
    if (!this.#way.length) return;
    drawWay(
      /** @type {HTMLCanvasElement} */ (this.#part("canvas")),
      this.bars.data,
      [this.#way[this.#way.length - 1]],
      {
        told: this.told,
      },
    );
  }
}
