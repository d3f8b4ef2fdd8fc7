// Switches for the inside of a network: heads, layers, single looks, hidden and swapped tokens, positions.

import { chip, element, find } from "../core/dom.js";
import { InsideEdits, toggled } from "../pieces/inside_edits.js";
import { KINDS } from "../pieces/named.js";
import { TokenStrip } from "../pieces/token_strip.js";

/** @typedef {import("../types.js").SwitchesView} SwitchesView */
/** @typedef {import("../types.js").SwitchStack} Stack */
/** @typedef {"hide" | "swap" | "cut"} Mode */

/** @type {Record<Mode, [string, string]>} */
const MODES = {
  hide: ["hide tokens", "Click a token: no other may look at it any more. Its own vector stays."],
  swap: ["swap two tokens", "Click two tokens: each is read in the other's place."],
  cut: [
    "cut a look",
    "Click the token that looks, then the one that it shall not look at; the others share what it had.",
  ],
};
const REST_MILLISECONDS = 250;

export const template = `
<div class="gb-panel is" data-state="empty">
  <p class="gb-empty">Nothing has been run yet: type a sentence, or take an example, and press Run.</p>
  <div class="is-body">
    <p class="is-note" hidden></p>
    <div class="is-grids"></div>
    <div class="is-tokens">
      <div class="gb-chips is-modes" role="group" aria-label="What a click on a token does"></div>
      <p class="gb-caption is-hint" aria-live="polite"></p>
      <div class="is-scope" hidden>
        <label>attention <select class="is-kind"></select></label>
        <label>layer <select class="is-layer"></select></label>
        <label>head <select class="is-head"></select></label>
      </div>
      <p class="is-title is-first-title"></p>
      <div class="is-first" role="group" aria-label="tokens"></div>
      <p class="is-title is-second-title" hidden>looks at (key)</p>
      <div class="is-second" role="group" aria-label="tokens that are looked at" hidden></div>
    </div>
    <div class="is-line">
      <label class="is-check"><input type="checkbox" class="is-positions" checked> the network knows where each token stands</label>
      <button type="button" class="is-undo" disabled>Undo all</button>
    </div>
    <div class="gb-chips is-list" role="group" aria-label="What is changed; press one to undo it"></div>
  </div>
</div>`;

export default class InsideSwitches {
  /** @type {SwitchesView | null} */ #shown = null;
  #edits = new InsideEdits();
  /** @type {Mode} */ #mode = "hide";
  /** @type {number | null} the first of two tokens to swap, or the token that looks */ #chosen = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit, look }) {
    this.root = root;
    this.emit = emit;
    this.look = look;
    this.first = new TokenStrip(find(root, ".is-first"), { onPick: (index) => this.#pickFirst(index) });
    this.second = new TokenStrip(find(root, ".is-second"), { onPick: (index) => this.#pickSecond(index) });
    this.kind = /** @type {HTMLSelectElement} */ (find(root, ".is-kind"));
    this.kind.addEventListener("change", () => {
      this.#drawLayers();
      this.#drawMode();
    });
    find(root, ".is-positions").addEventListener("change", (/** @type {any} */ event) => {
      this.#edits.positions = event.target.checked;
      this.#changed();
    });
    find(root, ".is-undo").addEventListener("click", () => {
      this.#edits = new InsideEdits();
      this.#chosen = null;
      this.#changed();
    });
  }

  /** @param {SwitchesView | null} value */
  show(value) {
    const { root } = this;
    find(root, ".is").dataset.state = value ? "full" : "empty";
    if (!value) return;
    clearTimeout(this.#timer);
    this.#shown = value;
    const said = this.look.take("off");
    this.#edits = said ? InsideEdits.of(said, value) : new InsideEdits(value.off);
    find(root, ".is-positions").checked = this.#edits.positions;
    find(root, ".is-note").hidden = !value.note;
    find(root, ".is-note").textContent = value.note;
    find(root, ".is-check").hidden = !value.places;
    find(root, ".is-grids").replaceChildren(...value.stacks.map((stack) => this.#grid(stack, value.heads)));
    this.#drawScope(value);
    this.#drawMode();
    if (said) return this.#changed();
    this.#draw();
    if (value.off) this.look.set("off", this.#edits.text());
  }

  /** @param {Stack} stack @param {number} heads */
  #grid({ kind, layers }, heads) {
    const numbers = Array.from({ length: heads }, (_, head) => head);
    const grid = element(
      "div",
      { class: "is-grid", style: { gridTemplateColumns: `auto repeat(${heads}, minmax(0, 1fr))` } },
      element("span", {}, "head"),
      ...numbers.map((head) => element("span", {}, String(head + 1))),
      ...Array.from({ length: layers }, (_, layer) => [
        kind === "cross" ? element("span", {}, `layer ${layer + 1}`) : this.#layerSwitch(kind, layer),
        ...numbers.map((head) => this.#headSwitch(kind, layer, head)),
      ]).flat(),
    );
    return element("div", {}, element("p", { class: "is-title" }, `${KINDS[kind]}: click what to switch off`), grid);
  }

  /** @param {string} kind @param {number} layer */
  #layerSwitch(kind, layer) {
    const title = `switch off all of ${kind} layer ${layer + 1}`;
    const onclick = () => {
      this.#edits.layers = toggled(this.#edits.layers, [kind, layer]);
      this.#changed();
    };
    const data = { kind, layer };
    const attributes = { type: "button", class: "is-layer-switch", title, "aria-label": title, data, onclick };
    return element("button", attributes, `layer ${layer + 1}`);
  }

  /** @param {Stack["kind"]} kind @param {number} layer @param {number} head */
  #headSwitch(kind, layer, head) {
    const title = `switch off head ${head + 1} of layer ${layer + 1}`;
    const onclick = () => {
      this.#edits.heads = toggled(this.#edits.heads, [kind, layer, head]);
      this.#changed();
    };
    const data = { kind, layer, head };
    const name = `${KINDS[kind]}: ${title}`;
    const attributes = { type: "button", class: "is-head-switch", title, "aria-label": name, data, onclick };
    return element("button", attributes, String(head + 1));
  }

  /** @param {SwitchesView} shown */
  #drawScope({ stacks, heads }) {
    fill(
      this.kind,
      stacks.map(({ kind }) => [kind, KINDS[kind]]),
    );
    this.kind.value = stacks.some(({ kind }) => kind === "cross") ? "cross" : stacks[0].kind;
    fill(find(this.root, ".is-head"), allOr(heads));
    this.#drawLayers();
  }

  #drawLayers() {
    fill(find(this.root, ".is-layer"), allOr(this.#stack()?.layers ?? 0));
  }

  #stack() {
    return this.#shown?.stacks.find(({ kind }) => kind === this.kind.value);
  }

  #drawMode() {
    const { root } = this;
    const stack = this.#stack();
    if (!this.#shown || !stack) return;
    this.#chosen = null;
    const modes = /** @type {[Mode, [string, string]][]} */ (Object.entries(MODES));
    const chips = modes.map(([name, [text]]) =>
      chip(text, name === this.#mode, () => {
        this.#mode = name;
        this.#drawMode();
      }),
    );
    find(root, ".is-modes").replaceChildren(...chips);
    const cut = this.#mode === "cut";
    for (const name of [".is-scope", ".is-second", ".is-second-title", ".is-first-title"])
      find(root, name).hidden = !cut;
    find(root, ".is-first-title").textContent =
      stack.kind === "cross" ? "the token being written (query)" : "the token that looks (query)";
    this.first.show(cut ? stack.queries : this.#shown.tokens);
    if (cut) this.second.show(stack.keys);
    this.#drawTokens();
  }

  #drawTokens() {
    const next =
      this.#mode === "swap" ? "Now click the token to swap it with." : "Now click the token that it shall not look at.";
    find(this.root, ".is-hint").textContent = this.#chosen === null ? MODES[this.#mode][1] : next;
    this.first.shade(null, this.#chosen);
    this.second.shade(null, null);
    const alone = this.#shown?.stacks.length === 1;
    this.#mark(".is-first", this.#mode !== "cut" || this.kind.value === "encoder" || alone);
    this.#mark(".is-second", this.kind.value !== "decoder" || alone);
  }

  /** Marks hidden and swapped tokens, where a strip shows those of the text. @param {string} strip @param {boolean} ofText */
  #mark(strip, ofText) {
    const { unseen, swap } = this.#edits;
    [...find(this.root, strip).children].forEach((button, index) => {
      const mark = unseen.includes(index) ? "unseen" : swap?.includes(index) ? "swapped" : "";
      button.dataset.mark = ofText ? mark : "";
    });
  }

  /** @param {number} index */
  #pickFirst(index) {
    const edits = this.#edits;
    if (this.#mode === "hide") {
      edits.unseen = toggled(edits.unseen, index);
      this.#changed();
    } else if (this.#mode === "swap" && this.#chosen !== null) {
      edits.swap = this.#chosen === index ? null : [this.#chosen, index];
      this.#chosen = null;
      this.#changed();
    } else {
      this.#chosen = index;
      this.#drawTokens();
    }
  }

  /** @param {number} index */
  #pickSecond(index) {
    if (this.#chosen === null) {
      find(this.root, ".is-hint").textContent = "First click the token that looks.";
      return;
    }
    /** @param {string} name */
    const value = (name) => {
      const chosen = find(this.root, name).value;
      return chosen === "" ? null : Number(chosen);
    };
    /** @type {import("../pieces/inside_edits.js").EdgeOff} */
    const edge = [this.kind.value, this.#chosen, index, value(".is-layer"), value(".is-head")];
    const { edges } = this.#edits;
    if (!edges.some((other) => String(other) === String(edge))) edges.push(edge);
    this.#changed();
  }

  #draw() {
    const { root } = this;
    if (!this.#shown) return;
    const edits = this.#edits;
    /** @type {NodeListOf<HTMLElement>} */
    const heads = root.querySelectorAll(".is-head-switch");
    for (const button of heads) {
      const [kind, layer, head] = [
        button.dataset.kind ?? "",
        Number(button.dataset.layer),
        Number(button.dataset.head),
      ];
      button.setAttribute("aria-pressed", String(edits.isOff([kind, layer, head])));
      button.classList.toggle("passed", edits.isOff([kind === "cross" ? "decoder" : kind, layer]));
    }
    /** @type {NodeListOf<HTMLElement>} */
    const layers = root.querySelectorAll(".is-layer-switch");
    for (const button of layers) {
      const off = edits.isOff([button.dataset.kind ?? "", Number(button.dataset.layer)]);
      button.setAttribute("aria-pressed", String(off));
    }
    find(root, ".is-positions").checked = edits.positions;
    this.#drawTokens();
    this.#drawList(this.#shown);
  }

  /** @param {SwitchesView} shown */
  #drawList(shown) {
    const buttons = this.#edits.list(shown).map(({ text, undo }) => {
      const onclick = () => {
        undo();
        this.#changed();
      };
      return element("button", { type: "button", class: "gb-chip", title: "undo this", onclick }, `${text} ✕`);
    });
    find(this.root, ".is-list").replaceChildren(...buttons);
    find(this.root, ".is-undo").disabled = !buttons.length;
  }

  #changed() {
    this.#draw();
    this.look.set("off", this.#edits.text() || null);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.emit.rework(this.#edits.sent()), REST_MILLISECONDS);
  }
}

/** @param {HTMLSelectElement} select @param {[string, string][]} options  value and text */
const fill = (select, options) =>
  select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));

/** "all", then numbers from 1. @param {number} count @returns {[string, string][]} */
const allOr = (count) => [
  ["", "all"],
  ...Array.from({ length: count }, (_, index) => /** @type {[string, string]} */ ([String(index), String(index + 1)])),
];
