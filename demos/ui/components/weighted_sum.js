// One head's weighted sum, every number with its arithmetic; weights can be dragged and written.

import { paintScale } from "../core/canvas.js";
import { chip, element, find } from "../core/dom.js";
import { fixed, quoted } from "../core/format.js";
import { clamp, onArrows } from "../core/keys.js";
import { diverging } from "../core/ramps.js";
import { paintSums } from "../pieces/cells.js";
import { HeadSum } from "../pieces/head_sum.js";
import { KINDS, named } from "../pieces/named.js";
import { digits, movement } from "../pieces/sum_arithmetic.js";
import { showMatrices } from "../pieces/sum_matrices.js";
import { readable, TokenStrip } from "../pieces/token_strip.js";

/** @typedef {import("../types.js").SumView} SumView */
/** @typedef {import("../pieces/head_sum.js").Block} Block */
/** @typedef {ReturnType<typeof keyRow>} KeyRow */

const [REST_MILLISECONDS, CHOOSE_MILLISECONDS] = [350, 120];

export const template = `
<div class="gb-panel ws" data-state="empty">
  <p class="gb-empty">Nothing has been run yet: type a sentence, or take an example, and press Run.</p>
  <div class="ws-body">
    <p class="ws-note" hidden></p>
    <p class="gb-said ws-said" aria-live="polite"></p>
    <p class="ws-translation" hidden><span class="ws-quiet">it writes</span> <b></b></p>
    <div class="ws-controls">
      <span class="gb-chips ws-kinds" role="group" aria-label="Which attention"></span>
      <label>layer <output class="ws-layer-value"></output><input class="ws-layer" type="range" min="1" step="1"></label>
      <label>head <output class="ws-head-value"></output><input class="ws-head" type="range" min="1" step="1"></label>
    </div>
    <p class="ws-title"><b class="ws-query-name"></b> <span class="ws-quiet">click another</span></p>
    <div class="ws-queries" role="group" aria-label="the token that looks"></div>
    <div class="ws-controls ws-changing">
      <label>temperature <output class="ws-temperature-value">1</output><input class="ws-temperature" type="range" min="-1" max="1" step="0.02" value="0"></label>
      <button type="button" class="ws-reset-row">Reset this row</button>
      <button type="button" class="ws-reset">Reset all</button>
      <span class="ws-changes ws-quiet" aria-live="polite"></span>
    </div>
    <p class="sa-readout" aria-live="polite"></p>
    <div class="ws-scroll">
      <div class="ws-table">
        <div class="ws-row ws-head-row">
          <span class="ws-token ws-of-query"></span>
          <canvas class="ws-cells" data-block="q" role="img" tabindex="0"></canvas>
          <span class="ws-number ws-raw">q&middot;k</span>
          <span class="ws-number ws-scaled"></span>
          <span class="ws-number ws-power">e<sup>score</sup></span>
          <span class="ws-weight-name">weight</span>
          <span class="ws-own-name ws-quiet">write it</span>
          <span class="ws-v-name">values v</span>
        </div>
        <div class="ws-rows"></div>
        <div class="ws-row ws-foot-row">
          <span class="ws-token">weighted sum</span>
          <span class="ws-moved"></span>
          <span class="ws-out"><canvas class="ws-cells ws-before" data-block="b" role="img" tabindex="0"></canvas><canvas class="ws-cells" data-block="o" role="img" tabindex="0"></canvas></span>
        </div>
      </div>
    </div>
    <div class="ws-scales gb-scale">
      <span class="ws-scale-k"></span><canvas class="ws-scale-bar" role="img" aria-label="colour scale"></canvas><span class="ws-scale-k-high"></span>
      <span class="ws-scale-v"></span>
    </div>
    <details class="ws-all"><summary>All tokens at once: the matrices</summary>
      <div class="ws-matrices"></div>
      <p class="ws-quiet">One row for each token that looks (Q, scores, weights, sums) or is looked at (K, V); the outlined row is the one above. Click a row to choose it.</p>
    </details>
  </div>
</div>`;

/** The elements of one key. @param {string} token @param {number} s */
function keyRow(token, s) {
  const name = named(token, s);
  /** @param {"k" | "v"} block */
  const canvas = (block) =>
    element("canvas", {
      class: `ws-cells ws-${block}`,
      role: "img",
      tabIndex: s === 0 ? 0 : -1,
      data: { block, row: s },
      "aria-label": `${block} of ${name}: arrow keys read its numbers`,
    });
  /** @param {string} look */
  const number = (look) => element("span", { class: `ws-number ws-${look}` });
  const bar = element("input", {
    type: "range",
    class: "ws-bar",
    min: 0,
    max: 1,
    step: "any",
    "aria-label": `weight of ${name}`,
  });
  const own = element("input", {
    type: "number",
    class: "ws-own",
    min: 0,
    max: 1,
    step: 0.01,
    inputmode: "decimal",
    "aria-label": `weight of ${name}, written`,
  });
  const parts = {
    k: canvas("k"),
    raw: number("raw"),
    scaled: number("scaled"),
    power: number("power"),
    bar,
    own,
    v: canvas("v"),
  };
  const first = element("span", { class: "ws-token", title: name }, readable(token));
  return { ...parts, row: element("div", { class: "ws-row", data: { key: s } }, first, ...Object.values(parts)) };
}

export default class WeightedSum {
  /** @type {HeadSum | null} */ #head = null;
  /** @type {KeyRow[]} */ #rows = [];
  #query = 0;
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit, look }) {
    this.root = root;
    this.look = look;
    this.emit = emit;
    this.part = (/** @type {string} */ name) => find(root, `.ws-${name}`);
    this.strip = new TokenStrip(this.part("queries"), { onPick: (index) => this.#chooseQuery(index) });
    paintScale(this.part("scale-bar"), (share) => diverging(2 * share - 1));
    this.#listenToChoices();
    this.#listenToTable();
    this.#listenToChanges();
  }

  /** @param {SumView | null} value */
  async show(value) {
    const asked = ++this.#asked;
    if (!value) {
      find(this.root, ".ws").dataset.state = "empty";
      return;
    }
    const head = await HeadSum.of(value);
    if (asked !== this.#asked) return;
    find(this.root, ".ws").dataset.state = "full";
    [this.#head, this.#query] = [head, value.query];
    this.part("note").hidden = !value.note;
    this.part("note").textContent = value.note;
    find(this.root, ".ws-said").textContent = value.said;
    this.part("translation").hidden = value.translation === null;
    find(this.root, ".ws-translation b").textContent = value.translation ?? "";
    this.#drawHead(head);
    this.#goWhereTheLinkSays(value);
    this.#drawQuery(head);
    this.#readDefault(head);
  }

  #listenToChoices() {
    for (const name of ["layer", "head"])
      this.part(name).addEventListener("input", () =>
        this.#chooseHead({ layer: Number(this.part("layer").value) - 1, head: Number(this.part("head").value) - 1 }),
      );
    this.part("all").addEventListener("toggle", () => this.#head && this.#drawMatrices(this.#head));
  }

  #listenToTable() {
    const table = this.part("table");
    for (const name of ["pointermove", "pointerdown"])
      table.addEventListener(name, (/** @type {any} */ event) => this.#readElement(event.target, event.clientX));
    table.addEventListener("pointerleave", () => this.#head && this.#readDefault(this.#head));
    table.addEventListener("focusin", (/** @type {any} */ { target }) => {
      if (target.matches(":focus-visible")) this.#readElement(target);
    });
    for (const canvas of table.querySelectorAll(".ws-cells")) this.#listenToCells(canvas);
  }

  /** Arrow keys read the numbers of a vector; up and down go to the same number of the next token. @param {HTMLCanvasElement} canvas */
  #listenToCells(canvas) {
    onArrows(canvas, (across, down) => {
      if (!this.#head) return;
      if (across) {
        canvas.dataset.at = String(clamp(Number(canvas.dataset.at ?? 0) + across, 0, this.#head.size - 1));
        this.#readElement(canvas);
        return;
      }
      const block = /** @type {"k" | "v"} */ (canvas.dataset.block);
      const next = this.#rows[Number(canvas.dataset.row) + down]?.[block];
      if (!next) return;
      next.dataset.at = canvas.dataset.at ?? "0";
      [next.tabIndex, canvas.tabIndex] = [0, -1];
      next.focus();
      this.#readElement(next);
    });
  }

  #listenToChanges() {
    const rows = this.part("rows");
    rows.addEventListener("input", (/** @type {any} */ { target }) => {
      if (target.matches(".ws-bar")) this.#changeWeight(target, Number(target.value), false);
    });
    rows.addEventListener("change", (/** @type {any} */ { target }) => {
      if (!target.matches(".ws-own")) return;
      const value = target.value.trim() === "" ? NaN : Number(target.value);
      if (Number.isFinite(value)) this.#changeWeight(target, value, true);
      else if (this.#head) this.#drawQuery(this.#head);
    });
    this.part("temperature").addEventListener("input", (/** @type {any} */ { target }) =>
      this.#change((head) => {
        head.temperature = Number((10 ** Number(target.value)).toPrecision(3));
      }),
    );
    this.part("reset-row").addEventListener("click", () => this.#change((head) => head.reset(this.#query)));
    this.part("reset").addEventListener("click", () => this.#change((head) => head.resetAll()));
  }

  /** @param {HTMLInputElement} input @param {number} value @param {boolean} written */
  #changeWeight(input, value, written) {
    const key = Number(/** @type {HTMLElement} */ (input.closest("[data-key]")).dataset.key);
    this.#change((head) => head.change(this.#query, key, value, written));
    this.#readElement(input);
  }

  /** @param {(head: HeadSum) => void} act */
  #change(act) {
    const head = this.#head;
    if (!head) return;
    act(head);
    this.#drawWeights(head);
    this.#readDefault(head);
    this.#tell(head);
  }

  /** @param {HeadSum} head */
  #tell(head) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.emit.rework(head.sent(this.#query)), REST_MILLISECONDS);
  }

  /** @param {number} index */
  #chooseQuery(index) {
    if (!this.#head) return;
    this.#query = index;
    this.#drawQuery(this.#head);
    this.#readDefault(this.#head);
    this.#tell(this.#head);
    this.look.set("head", this.#head.place(index));
  }

  /** @param {SumView} view */
  #goWhereTheLinkSays(view) {
    const [kind, ...numbers] = (this.look.take("head") ?? "").split(".");
    const [layer, head, query] = numbers.map(Number);
    const stack = view.kinds.find((one) => one.kind === kind);
    if (!stack || !Number.isInteger(query) || !(layer < stack.layers && head < view.heads)) return;
    this.#query = clamp(query, 0, view.queries.length - 1);
    this.#chooseHead({ kind, layer, head });
  }

  /** @param {{ kind?: string, layer: number, head: number }} change */
  #chooseHead(change) {
    const view = this.#head?.view;
    if (!view) return;
    clearTimeout(this.#timer);
    this.part("layer-value").textContent = change.layer + 1;
    this.part("head-value").textContent = change.head + 1;
    const place = { kind: view.kind, query: this.#query, ...change };
    this.look.set("head", [place.kind, place.layer, place.head, place.query].join("."));
    this.#timer = setTimeout(() => this.emit.choose(place), CHOOSE_MILLISECONDS);
  }

  /** @param {HeadSum} head */
  #drawHead(head) {
    const { kinds, kind, layer, head: number, heads, queries, keys } = head.view;
    const chips = kinds.map((one) =>
      chip(KINDS[one.kind], one.kind === kind, () =>
        this.#chooseHead({ kind: one.kind, layer: Math.min(layer, one.layers - 1), head: number }),
      ),
    );
    this.part("kinds").replaceChildren(...chips);
    this.part("kinds").hidden = kinds.length < 2;
    this.part("layer").max = kinds.find((one) => one.kind === kind)?.layers ?? 1;
    this.part("head").max = heads;
    this.part("layer").value = this.part("layer-value").textContent = String(layer + 1);
    this.part("head").value = this.part("head-value").textContent = String(number + 1);
    this.part("query-name").textContent =
      kind === "cross" ? "The token being written looks (query)" : "The token that looks (query)";
    find(this.root, ".ws-head-row .ws-scaled").textContent = `÷ √${head.size}`;
    this.strip.show(queries);
    this.#rows = keys.map(keyRow);
    this.part("rows").replaceChildren(...this.#rows.map(({ row }) => row));
    this.#rows.forEach(({ k, v }, s) => {
      paintSums(k, [head.k[s]], head.limitK);
      paintSums(v, [head.v[s]], head.limitV);
      this.#listenToCells(k);
      this.#listenToCells(v);
    });
    this.part("scale-k").textContent = `q, k: −${digits(head.limitK)}`;
    this.part("scale-k-high").textContent = digits(head.limitK);
    this.part("scale-v").textContent = `v and sum: −${digits(head.limitV)} to ${digits(head.limitV)}, same colours`;
  }

  /** @param {HeadSum} head */
  #drawQuery(head) {
    const { raw, scaled, visible, first } = head.numbers(this.#query);
    const token = head.view.queries[this.#query];
    this.part("of-query").textContent = `q of ${quoted(token)}`;
    this.part("of-query").title = named(token, this.#query);
    const q = find(this.root, '[data-block="q"]');
    q.setAttribute("aria-label", `query of ${named(token, this.#query)}: arrow keys read its numbers`);
    paintSums(q, [head.q[this.#query]], head.limitK);
    this.#rows.forEach((one, s) => {
      one.row.dataset.hidden = visible[s] ? "no" : "yes";
      one.raw.textContent = fixed(raw[s], 2);
      one.scaled.textContent = visible[s] ? fixed(scaled[s], 2) : "−∞";
      one.bar.disabled = one.own.disabled = !visible[s];
      one.bar.style.setProperty("--ws-first", String(first[s]));
    });
    this.#drawWeights(head);
  }

  /** @param {HeadSum} head */
  #drawWeights(head) {
    const numbers = head.numbers(this.#query);
    const edited = head.isChanged(this.#query) ? "yes" : "no";
    this.#rows.forEach((one, s) => {
      const weight = numbers.weights[s];
      const power = numbers.visible[s] ? Math.exp(numbers.scaled[s] / head.temperature) : 0;
      one.row.dataset.edited = edited;
      one.power.textContent = digits(Number(power.toPrecision(2)));
      one.bar.value = String(weight);
      one.bar.style.setProperty("--ws-now", String(weight));
      one.own.value = weight.toFixed(3);
      one.own.dataset.kept = head.isKept(this.#query, s) ? "yes" : "no";
      one.row.style.setProperty("--ws-shown", String(0.25 + 0.75 * Math.sqrt(weight)));
    });
    this.#drawSum(head, numbers);
    this.strip.shade((s) => (head.view.kind === "cross" ? 0 : numbers.weights[s]), this.#query);
    this.part("temperature").value = Math.log10(head.temperature);
    this.part("temperature-value").textContent = digits(head.temperature);
    this.part("reset-row").disabled = !head.isOwn(this.#query);
    this.part("reset").disabled = !head.anyChanged;
    this.part("changes").textContent = head.changes;
    this.#drawMatrices(head);
  }

  /** @param {HeadSum} head @param {import("../pieces/head_sum.js").Numbers} numbers */
  #drawSum(head, { before, after }) {
    const edited = head.isChanged(this.#query);
    const [first, now] = ["b", "o"].map((block) => find(this.root, `[data-block="${block}"]`));
    this.part("out").dataset.edited = edited ? "yes" : "no";
    first.setAttribute("aria-label", "weighted sum, unedited");
    now.setAttribute("aria-label", edited ? "weighted sum, edited" : "weighted sum");
    paintSums(first, [before], head.limitV);
    paintSums(now, [after], head.limitV);
    const { moved, share, cosine } = movement(before, after);
    this.part("moved").textContent = edited
      ? `above as it was, below as changed: moved by ${digits(moved)}, ${(100 * share).toFixed(0)} % of its length; cosine ${cosine.toFixed(2)}`
      : "Σ weight · v, the output of this head for this token";
  }

  /** @param {HeadSum} head */
  #drawMatrices(head) {
    if (!this.part("all").open) return;
    showMatrices(this.part("matrices"), head, this.#query, {
      onRead: (text) => this.#read(text),
      onPick: (query) => this.#chooseQuery(query),
    });
  }

  /** @param {string} text */
  #read(text) {
    find(this.root, ".sa-readout").textContent = text;
  }

  /** @param {HeadSum} head */
  #readDefault(head) {
    const { weights } = head.numbers(this.#query);
    const most = weights.indexOf(Math.max(...weights));
    const { queries, keys } = head.view;
    this.#read(
      `${named(queries[this.#query], this.#query)} takes most, ${weights[most].toFixed(3)}, from ${named(keys[most], most)}. Point at any number for its arithmetic; drag a weight.`,
    );
  }

  /** The arithmetic of a number. @param {any} target @param {number | null} x  of the pointer */
  #readElement(target, x = null) {
    const head = this.#head;
    if (!head) return;
    if (target.matches("canvas.ws-cells")) {
      const area = target.getBoundingClientRect();
      const at = x === null ? Number(target.dataset.at ?? 0) : Math.floor(((x - area.left) / area.width) * head.size);
      const inside = clamp(at, 0, head.size - 1);
      target.dataset.at = inside;
      this.#read(head.cellText(this.#query, target.dataset.block, Number(target.dataset.row), inside));
      return;
    }
    const row = target.closest("[data-key]");
    if (!row) return;
    const key = Number(row.dataset.key);
    const step = target.matches(".ws-raw") ? "raw" : target.matches(".ws-scaled") ? "scaled" : "weight";
    this.#read(`${named(head.view.keys[key], key)}: ${head.rowText(this.#query, key, step)}`);
  }
}
