// Inside the U-Net in one step: maps on the way down and up, skips, self-attention, vectors; and switches for all of them.

import { largestSize, load, part } from "../core/arrays.js";
import { paintCells } from "../core/canvas.js";
import { chip, element, find } from "../core/dom.js";
import { short } from "../core/format.js";
import { clamp, onCells } from "../core/keys.js";
import { diverging, sequential } from "../core/ramps.js";
import { ask } from "../core/server.js";
import { toggled } from "../pieces/inside_edits.js";
import { Sheets } from "../pieces/sheets.js";

/** @typedef {import("../types.js").InsideView} InsideView */
/** @typedef {import("../types.js").UnetPartView} UnetPartView */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */

const WAIT_MILLISECONDS = 120; // so that dragging the slider asks the server once
/** @type {Record<string, string>} */
const ATTENTIONS = {
  down_attention: "on the way down",
  middle_attention: "in the middle",
  up_attention: "on the way up",
};
/** @type {Record<string, string>} */
const VECTORS = { waves: "t as waves", time: "made of them", class: "class" };

export const template = `
<div class="gb-panel unet-inside" data-state="empty">
  <p class="gb-empty">Press Generate: one step of the run is opened here.</p>
  <div class="full">
    <p class="gb-said" hidden></p>
    <div class="ui-pictures">
      <figure><div class="ui-picture ui-place ui-seen"></div><figcaption><b>x<sub>t</sub></b> what it sees</figcaption></figure>
      <figure><div class="ui-picture ui-said"></div><figcaption><b>predicted x<sub>0</sub></b> in the run</figcaption></figure>
      <figure class="ui-edited"><div class="ui-picture ui-now"></div><figcaption class="ui-change" aria-live="polite"></figcaption></figure>
    </div>
    <div class="ui-controls">
      <label>step <input class="ui-step" type="range" min="1" step="1"><output class="ui-where"></output></label>
      <label class="ui-sprites">sprite <input class="ui-sprite" type="range" min="1" step="1"><output class="ui-which"></output></label>
      <span class="gb-chips ui-told" role="group" aria-label="What the network is told"></span>
      <button type="button" class="ui-undo">Undo all</button>
    </div>
    <div class="ui-u"></div>
    <p class="ui-note">Of each part, the eight channels that vary most over the picture; each has its own scale, blue is
      negative, orange positive. Click the name of a block or a skip to switch it off.</p>
    <details class="ui-attention"><summary>Self-attention: who looks where</summary>
      <p class="ui-note ui-looking"></p><div class="ui-all-heads"></div></details>
    <details><summary>What every block is told: time and class</summary><div class="ui-vectors"></div></details>
  </div>
</div>`;

export default class UnetInside {
  sheets = new Sheets();
  /** @type {InsideView | null} */ #view = null;
  /** @type {string[]} */ #off = [];
  /** @type {Map<string, NumericArray>} */ #arrays = new Map();
  #place = 0; // the place of the 8 x 8 map from which the heads are shown
  #asked = 0; // counts questions, so that a late answer never replaces a newer one
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server, look }) {
    this.root = root;
    this.look = look;
    this.answer = server.view_inside;
    for (const name of [".ui-step", ".ui-sprite"])
      find(root, name).addEventListener("input", () => {
        this.#names();
        this.#ask(WAIT_MILLISECONDS);
      });
    find(root, ".ui-undo").addEventListener("click", () => this.#switch([]));
    const seen = find(root, ".ui-seen");
    onCells(seen, {
      name: "what the network sees; arrows choose the place from which the heads look",
      size: () => [this.#side(), this.#side()],
      over: (row, column) => this.#lookFrom(row, column),
    });
    seen.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const box = seen.getBoundingClientRect();
      const place = (/** @type {number} */ share) => clamp(Math.floor(share * this.#side()), 0, this.#side() - 1);
      this.#lookFrom(place((event.clientY - box.top) / box.height), place((event.clientX - box.left) / box.width));
    });
  }

  /** @param {number} row @param {number} column */
  #lookFrom(row, column) {
    this.#place = row * this.#side() + column;
    this.#drawHeads();
  }

  /** @param {InsideView | null} value */
  async show(value) {
    find(this.root, ".unet-inside").dataset.state = value ? "full" : "empty";
    if (!value) return;
    this.#asked++;
    if (value.run !== this.#view?.run) this.#off = [];
    const fresh = !this.#view;
    await this.#take(value);
    this.#place = Math.floor(this.#side() / 2) * (this.#side() + 1);
    this.#drawHeads();
    if (fresh) this.#goWhereTheLinkSays(value);
    else if (this.#off.length) this.#ask(0);
  }

  /** @param {InsideView} value */
  #goWhereTheLinkSays(value) {
    const step = Number(this.look.take("step"));
    const off = (this.look.take("off") ?? "")
      .split(",")
      .filter((/** @type {string} */ name) => switchesOf(value).includes(name));
    if (Number.isInteger(step) && step >= 1 && step <= value.total) find(this.root, ".ui-step").value = String(step);
    this.#off = off;
    if (off.length || Number(find(this.root, ".ui-step").value) !== value.place + 1) this.#ask(0);
  }

  /** @param {InsideView} value */
  async #take(value) {
    const handles = [
      ...value.stages.map(({ name, maps }) => [name, maps]),
      ...value.looks.map(({ name, shares }) => [`looks ${name}`, shares]),
      ...value.vectors.map(({ name, values }) => [`vector ${name}`, values]),
    ];
    const asked = this.#asked;
    const [arrays] = await Promise.all([
      Promise.all(
        handles.map(async ([name, handle]) => /** @type {const} */ ([name, await load(/** @type {any} */ (handle))])),
      ),
      this.sheets.load([value.x_t, value.x_0, value.edited]),
    ]);
    if (asked !== this.#asked) return;
    this.#arrays = new Map(/** @type {any} */ (arrays));
    this.#view = value;
    this.#draw(value);
  }

  /** @param {number} wait milliseconds */
  #ask(wait) {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    this.#timer = setTimeout(async () => {
      const { root } = this;
      const [place, sprite] = [".ui-step", ".ui-sprite"].map((name) => Number(find(root, name).value) - 1);
      try {
        const value = await ask(this.answer, { run: this.#view?.run, place, sprite, off: this.#off });
        if (asked === this.#asked) await this.#take(value);
      } catch (error) {
        if (asked === this.#asked)
          find(root, ".ui-change").textContent = error instanceof Error ? error.message : String(error);
      }
    }, wait);
  }

  /** @param {string[]} off */
  #switch(off) {
    this.#off = off;
    this.look.set("off", off.join(",") || null);
    this.#ask(0);
  }

  // Drawing

  /** @param {InsideView} view */
  #draw(view) {
    const { root } = this;
    const picture = (/** @type {string} */ where, /** @type {string} */ sheet) => {
      const url = this.sheets.known(sheet) ?? "";
      find(root, where).style.backgroundImage = `url(${url})`;
      find(root, where).style.backgroundSize = "100% 100%";
    };
    picture(".ui-seen", view.x_t);
    picture(".ui-said", view.x_0);
    picture(".ui-now", view.edited);
    find(root, ".gb-said").hidden = !view.finding;
    find(root, ".gb-said").textContent = view.finding;
    find(root, ".ui-change").textContent = changeWords(view);
    find(root, ".ui-step").max = String(view.total);
    find(root, ".ui-step").value = String(view.place + 1);
    find(root, ".ui-sprite").max = String(view.sprites);
    find(root, ".ui-sprite").value = String(view.sprite + 1);
    find(root, ".ui-sprites").hidden = view.sprites < 2;
    this.#names();
    this.#drawTold();
    this.#drawU(view);
    this.#drawHeads();
    this.#drawVectors(view);
    find(root, ".ui-undo").disabled = !this.#off.length;
  }

  #names() {
    const { root } = this;
    const step = Number(find(root, ".ui-step").value);
    this.look.set("step", step);
    find(root, ".ui-where").textContent = `${step} of ${this.#view?.total ?? step}`;
    find(root, ".ui-which").textContent = find(root, ".ui-sprite").value;
  }

  /** A switch of one part. @param {string} name @param {string} text @param {string} said */
  #toggle(name, text, said) {
    const off = this.#off.includes(name);
    const button = chip(text, off, () => this.#switch(toggled(this.#off, name)));
    button.setAttribute("aria-label", `${text}: switch off ${said}`);
    button.dataset.name = name;
    return button;
  }

  #drawTold() {
    const chips = [this.#toggle("time", "no time", "the time"), this.#toggle("class", "no class", "the class")];
    find(this.root, ".ui-told").replaceChildren(...chips);
  }

  /** @param {InsideView} view */
  #drawU(view) {
    const middle = view.stages.filter((stage) => whereOf(stage) === "middle").map((stage) => this.#stage(stage));
    const cells = rowsOfU(view.stages).flatMap(([down, up]) => {
      const skip = down?.skip && up ? this.#skip(down) : "";
      const between = element("span", { class: "ui-skip" }, skip);
      return [down ? this.#stage(down) : element("span"), between, up ? this.#stage(up) : element("span")];
    });
    find(this.root, ".ui-u").replaceChildren(...cells, ...middle);
  }

  /** @param {UnetPartView} stage */
  #skip({ name, title }) {
    return this.#toggle(`skip ${name}`, "skip →", `the skip from ${title} on the way down`);
  }

  /** @param {UnetPartView} stage */
  #stage(stage) {
    const { name, title, channels, side, rms, numbers } = stage;
    const block = name.includes(".");
    const size = `${channels} × ${side} × ${side}, size ${short(rms)}`;
    const head = block
      ? this.#toggle(name, title, `${title}, ${whereOf(stage)}, ${side} by ${side}`)
      : element("span", {}, title);
    const maps = /** @type {NumericArray} */ (this.#arrays.get(name));
    const canvases = numbers.map((number, index) => {
      const canvas = element("canvas", { title: `channel ${number + 1}` });
      const values = part(maps, index).data;
      const largest = largestSize(values) || 1;
      paintCells(canvas, side, side, (cell) => diverging(values[cell] / largest));
      return canvas;
    });
    return element(
      "div",
      { class: "ui-stage", data: { name, where: whereOf(stage), off: String(this.#off.includes(name)) } },
      element("p", {}, head, element("span", {}, size)),
      element(
        "div",
        { class: "ui-maps", role: "img", "aria-label": `${title}: eight of ${channels} channels` },
        ...canvases,
      ),
    );
  }

  #side() {
    const shares = this.#arrays.get("looks down_attention");
    return shares ? Math.round(Math.sqrt(shares.shape[1])) : 1;
  }

  #drawHeads() {
    const view = this.#view;
    if (!view) return;
    const side = this.#side();
    this.#place = clamp(this.#place, 0, side * side - 1);
    const [row, column] = [Math.floor(this.#place / side) + 1, (this.#place % side) + 1];
    find(this.root, ".ui-looking").textContent =
      `From row ${row}, column ${column} of ${side} (click xₜ above for another place): how much each head looks at each place. Each map has its own scale.`;
    const groups = view.looks.map(({ name }) => {
      const shares = /** @type {NumericArray} */ (this.#arrays.get(`looks ${name}`));
      const heads = Array.from({ length: shares.shape[0] }, (_, head) => this.#head(name, head, shares, side));
      return [element("p", { class: "ui-note" }, ATTENTIONS[name]), element("div", { class: "ui-heads" }, ...heads)];
    });
    find(this.root, ".ui-all-heads").replaceChildren(...groups.flat());
  }

  /** @param {string} name @param {number} head @param {NumericArray} shares @param {number} side */
  #head(name, head, shares, side) {
    const values = part(shares, head, this.#place).data;
    const largest = largestSize(values) || 1;
    const canvas = element("canvas", { title: `at most ${(100 * largest).toFixed(1)} %` });
    paintCells(canvas, side, side, (cell) => sequential(values[cell] / largest));
    const said = `head ${head + 1} of the self-attention ${ATTENTIONS[name]}`;
    return element("div", { class: "ui-head" }, canvas, this.#toggle(`${name}:${head}`, `head ${head + 1}`, said));
  }

  /** @param {InsideView} view */
  #drawVectors(view) {
    const rows = view.vectors.map(({ name }) => {
      const { data } = /** @type {NumericArray} */ (this.#arrays.get(`vector ${name}`));
      const largest = largestSize(data) || 1;
      const canvas = element("canvas", { role: "img", "aria-label": `${VECTORS[name]}: ${data.length} numbers` });
      paintCells(canvas, 1, data.length, (cell) => diverging(data[cell] / largest));
      return element(
        "div",
        { class: "ui-vector" },
        element("span", {}, VECTORS[name]),
        canvas,
        element("span", {}, `${data.length} numbers, ±${short(largest)}`),
      );
    });
    find(this.root, ".ui-vectors").replaceChildren(...rows);
  }
}

/** On which way a part lies: the first convolution is the beginning of the way down. @param {{ name: string }} stage */
export const whereOf = ({ name }) =>
  name === "fold" || name === "shrink" ? "down" : name === "enlarge" ? "up" : name.split(/[_.]/)[0];

/**
 * The U in rows: what lies on the way down beside what lies on the way up, a skip's two ends in one row.
 * @template {{ name: string, skip: string }} Part
 * @param {Part[]} stages @returns {[Part | null, Part | null][]}
 */
export function rowsOfU(stages) {
  const down = stages.filter((stage) => whereOf(stage) === "down");
  const up = stages.filter((stage) => whereOf(stage) === "up").reverse();
  /** @type {[Part | null, Part | null][]} */
  const rows = [];
  for (const part of [...down.filter(({ skip }) => skip), null]) {
    const before = down.splice(0, part ? down.indexOf(part) : down.length);
    const beside = up.splice(0, part ? up.findIndex(({ name }) => name === part.skip) : up.length);
    const count = Math.max(before.length, beside.length);
    for (let row = 0; row < count; row++) rows.push([before[row] ?? null, beside[row] ?? null]);
    if (part) rows.push([down.shift() ?? null, up.shift() ?? null]);
  }
  return rows;
}

/** Every switch that a view has. @param {{ stages: { name: string, skip: string }[], looks: { name: string, shares: { shape: number[] } }[] }} view */
export const switchesOf = ({ stages, looks }) => [
  "time",
  "class",
  ...stages.filter(({ name }) => name.includes(".")).map(({ name }) => name),
  ...stages.filter(({ skip }) => skip).map(({ name }) => `skip ${name}`),
  ...looks.flatMap(({ name, shares }) => Array.from({ length: shares.shape[0] }, (_, head) => `${name}:${head}`)),
];

/** What the switches changed, in words. @param {{ off: string[], same: boolean, difference: number }} view */
export function changeWords({ off, same, difference }) {
  if (!off.length) return same ? "nothing switched off: the same, to the bit" : "nothing switched off";
  const parts = off.length === 1 ? "one part" : `${off.length} parts`;
  return `without ${parts}: differs by ${short(difference)} (root mean square)`;
}
