// Which characters are computed at which step: a recurrent network one after the other, a Transformer layer by layer.
//
// Down: steps that wait for one another. Across: characters. Filled: computed at this step; pale: looked at or carried.

import { element, find } from "../core/dom.js";
import { clamp } from "../core/keys.js";
import { costOf, stepsOf } from "../pieces/schedules.js";

/** @typedef {import("../types.js").ScheduleView} ScheduleView */
/** @typedef {import("../pieces/schedules.js").Task} Task */

export const template = `
<div class="gb-panel sd" data-state="empty">
  <p class="gb-empty">The sizes of both networks are being read.</p>
  <div class="sd-body">
    <div class="sd-controls">
      <label>what <select class="sd-task">
        <option value="read">reading a text</option>
        <option value="write">writing, with a cache</option>
        <option value="again">writing, without a cache</option>
      </select></label>
      <label>characters <output class="sd-n-value"></output><input class="sd-n" type="range" min="2" max="32" step="1"></label>
      <label>step <output class="sd-step-value"></output><input class="sd-step" type="range" min="1" step="1"></label>
    </div>
    <p class="gb-said sd-said" aria-live="polite"></p>
    <div class="sd-both">
      <figure><figcaption class="sd-name"></figcaption><div class="sd-grid" role="img"></div></figure>
      <figure><figcaption class="sd-name"></figcaption><div class="sd-grid" role="img"></div></figure>
    </div>
    <p class="gb-caption">Down: steps, each of which waits for the one above. Across: characters. Filled: computed at this step; pale: what it reads.</p>
  </div>
</div>`;

/** @param {number} count */
const grouped = (count) => count.toLocaleString("en");
/** @param {number} count */
const millions = (count) => `${(count / 1e6).toPrecision(3)} million`;

export default class Schedule {
  /** @type {ScheduleView | null} */ #view = null;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.root = root;
    for (const name of [".sd-task", ".sd-n"]) find(root, name).addEventListener("input", () => this.#draw(true));
    find(root, ".sd-step").addEventListener("input", () => this.#draw(false));
  }

  /** @param {ScheduleView | null} view */
  show(view) {
    find(this.root, ".sd").dataset.state = view ? "full" : "empty";
    this.#view = view;
    if (!view) return;
    find(this.root, ".sd-n").value = view.n;
    this.#draw(true);
  }

  /** @param {boolean} whole to the last step, else to the one chosen */
  #draw(whole) {
    if (!this.#view) return;
    const { root } = this;
    const task = /** @type {Task} */ (find(root, ".sd-task").value);
    const n = Number(find(root, ".sd-n").value);
    const networks = [this.#view.recurrent, this.#view.transformer];
    const schedules = networks.map((network) => stepsOf(network, task, n));
    const most = Math.max(...schedules.map((steps) => steps.length));
    const slider = find(root, ".sd-step");
    slider.max = most;
    if (whole) slider.value = most;
    const upTo = clamp(Number(slider.value), 1, most);
    find(root, ".sd-n-value").textContent = n;
    find(root, ".sd-step-value").textContent = upTo;
    networks.forEach(({ network }, index) => {
      const steps = schedules[index];
      const done = Math.min(upTo, steps.length);
      root.querySelectorAll(".sd-name")[index].textContent =
        `${network}: ${grouped(steps.length)} steps${done === steps.length ? "" : `, ${done} done`}`;
      const grid = /** @type {HTMLElement} */ (root.querySelectorAll(".sd-grid")[index]);
      grid.style.setProperty("--sd-columns", String(n));
      grid.setAttribute("aria-label", `${network}, ${steps.length} steps for ${n} characters`);
      grid.replaceChildren(...steps.flatMap((row, step) => cells(row, step < done)));
    });
    this.#say(networks, task, n);
  }

  /** @param {import("../types.js").CostView[]} networks @param {Task} task @param {number} n */
  #say(networks, task, n) {
    const said = networks.map((network) => {
      const { span, work } = costOf(network, task, n);
      return `${network.network}: ${grouped(span)} steps one after the other, ${millions(work)} multiplications`;
    });
    const [{ span: one }, { span: other }] = networks.map((network) => costOf(network, task, 10 * n));
    const verb = task === "read" ? "read" : "write";
    find(this.root, ".sd-said").textContent =
      `To ${verb} ${n} characters. ${said.join(". ")}. Ten times as many characters: ${grouped(one)} and ${grouped(other)} steps.`;
  }
}

/** @param {string[]} row @param {boolean} done */
const cells = (row, done) => row.map((what) => element("i", { class: done && what ? `sd-${what}` : "" }));
