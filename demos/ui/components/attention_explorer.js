// One run of a model with its attention weights: which head, which token looks, where it looks. Tokens are words in a line
// or patches on a picture.

import { onTheme, onWidth, paintScale } from "../core/canvas.js";
import { chip, find } from "../core/dom.js";
import { sequential } from "../core/ramps.js";
import { ask } from "../core/server.js";
import { follow, share } from "../core/shared.js";
import { PatchMaps, TextMaps } from "../pieces/attention_maps.js";
import { largestFirst, lookingName, seenName, showBars } from "../pieces/attention_reading.js";
import { HeadGrid } from "../pieces/head_grid.js";
import { clearest, HeadHabits } from "../pieces/head_habits.js";
import { HeadLinks } from "../pieces/head_links.js";
import { HeatMap, paintMap } from "../pieces/heat_map.js";
import { PictureTokens } from "../pieces/picture_tokens.js";
import { TokenArcs } from "../pieces/token_arcs.js";
import { TokenLines } from "../pieces/token_lines.js";
import { readable, TokenStrip } from "../pieces/token_strip.js";

/** @typedef {import("../types.js").ExplorerView} ExplorerView */
/** @typedef {"map" | "lines" | "arcs" | "picture"} Form */
/** @typedef {{ row: number, column: number | null }} Hovered */

const KINDS = {
  encoder: "Encoder self-attention",
  decoder: "Decoder self-attention",
  cross: "Cross-attention",
  patches: "Attention over patches",
};
/** @type {Record<string, string>} */
const SUMMARIES = { mean: "mean of heads", rollout: "rollout up to this layer" };

export const template = `
<div class="ax" data-state="empty">
  <p class="gb-empty ax-empty"></p>
  <div class="ax-body">
    <h3 class="ax-heading"></h3>
    <p class="ax-translation" hidden><span class="gb-caption">it writes</span> <b lang="fr"></b></p>
    <p class="ax-note" hidden></p>
    <div class="gb-chips ax-kinds" role="group" aria-label="Which attention"></div>
    <p class="gb-said ax-readout" aria-live="polite"></p>
    <div class="ax-tokens">
      <div class="ax-title ax-strip-title"></div>
      <div class="ax-rows-strip" role="group" aria-label="tokens that look"></div>
      <div class="ax-title ax-sources-title"></div>
      <div class="ax-sources-strip" role="group" aria-label="tokens that are looked at"></div>
      <div class="ax-links"></div>
    </div>
    <div class="ax-columns">
      <div class="ax-overview">
        <div class="ax-title ax-overview-title"></div>
        <div class="ax-grid"></div>
        <div class="hm-scale"><span>0</span><canvas role="img" aria-label="colour scale"></canvas><span class="ax-scale-top"></span><span>weight; colour grows with its square root</span></div>
        <div class="ax-does"></div>
      </div>
      <div class="ax-bars"></div>
      <div class="ax-detail">
        <div class="ax-controls">
          <label>layer <output class="ax-layer-value"></output><input class="ax-layer" type="range" min="1" step="1"></label>
          <label>head <output class="ax-head-value"></output><input class="ax-head" type="range" min="1" step="1"></label>
          <span class="gb-chips ax-forms" role="group" aria-label="How one head is drawn"></span>
        </div>
        <div class="ax-title ax-title-form"><span class="ax-rows"></span>, <span class="ax-cols"></span></div>
        <div data-form="map"><canvas class="ax-map" role="img"></canvas></div>
        <div data-form="lines" hidden><canvas class="ax-lines" role="img"></canvas></div>
        <div data-form="arcs" hidden><canvas class="ax-arcs" role="img"></canvas></div>
        <div data-form="picture" class="ax-picture" hidden></div>
      </div>
    </div>
  </div>
</div>`;

export default class AttentionExplorer {
  /** @type {(TextMaps | PatchMaps)[]} */ #kinds = [];
  /** @type {Form} */ #form = "map";
  #kind = 0;
  /** @type {number | null} null before the first view */ #layer = null;
  #head = 0;
  #token = 0;
  /** @type {number | null} the token looked at whose heads are ranked */ #seen = null;
  #chosen = false; // whether the visitor chose the head
  /** @type {Hovered | null} */ #hover = null;
  #picked = false; // a head by the visitor: it stays when another picture comes
  #shown = 0; // of several values on their way the last one counts
  #followed = 0; // and of several tokens

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, server, look }) {
    this.root = root;
    this.look = look;
    this.server = server;
    /** @param {number | null} row */
    const onHover = (row) => this.#point(row === null ? null : { row, column: null });
    /** @param {number} row */
    const onPick = (row) => this.#pick(row);
    const heads = { onPick: (/** @type {number} */ layer, /** @type {number} */ head) => this.#select(layer, head) };
    this.grid = new HeadGrid(find(root, ".ax-grid"), heads);
    this.habits = new HeadHabits(find(root, ".ax-does"), heads);
    this.links = new HeadLinks(find(root, ".ax-links"), { ...heads, switchOff: server.attention_switch_off });
    this.map = new HeatMap(find(root, ".ax-map"), {
      onHover: (at) => this.#point(at),
      onPick: (at) => this.#pick(at.row, at.column),
    });
    this.lines = new TokenLines(find(root, ".ax-lines"), { onHover, onPick });
    this.arcs = new TokenArcs(find(root, ".ax-arcs"), { onHover, onPick });
    this.rowStrip = new TokenStrip(find(root, ".ax-rows-strip"), { onHover, onPick });
    /** @param {number | null} column */
    const onSource = (column) => this.#point(column === null ? null : { row: this.#token, column });
    this.sourceStrip = new TokenStrip(find(root, ".ax-sources-strip"), {
      onHover: onSource,
      onPick: (column) => this.#pick(this.#token, column),
    });
    this.patches = new PictureTokens(find(root, ".ax-picture"), {
      onHover: onSource,
      onPick: (token) => share("token", { run: this.#patches()?.view.run, token }),
    });
    this.#listen(props);
  }

  /** @param {any} props */
  #listen({ title, empty }) {
    const { root } = this;
    find(root, ".ax-empty").textContent = empty;
    find(root, ".ax-empty").hidden = !empty;
    find(root, ".ax-heading").textContent = title;
    find(root, ".ax-heading").hidden = !title;
    paintScale(find(root, ".hm-scale canvas"), sequential);
    find(root, ".ax-layer").addEventListener("input", (/** @type {any} */ event) =>
      this.#select(Number(event.target.value) - 1, this.#head),
    );
    find(root, ".ax-head").addEventListener("input", (/** @type {any} */ event) =>
      this.#select(this.#layer ?? 0, Number(event.target.value) - 1),
    );
    follow("token", root, ({ run, token }) => run === this.#patches()?.view.run && this.#follow(token));
    onWidth(find(root, ".ax-detail"), () => this.#drawForm());
    onTheme(() => this.#drawForm());
  }

  /** @param {ExplorerView | null} value */
  async show(value) {
    const shown = ++this.#shown;
    const view = find(this.root, ".ax");
    if (!value) {
      this.#kinds = [];
      view.dataset.state = "empty";
      return;
    }
    const kinds = await Promise.all(value.views.map((one) => this.#loaded(one)));
    if (shown !== this.#shown) return;
    const [first] = kinds;
    if (first instanceof PatchMaps) this.#token = this.#firstToken(first);
    const same = sameGrid(kinds, this.#kinds);
    this.#kinds = kinds;
    if (!same) this.#kind = kinds.length - 1;
    if (!same || !this.#chosen) this.#chooseFirst(kinds[this.#kind]);
    this.links.of(value);
    view.dataset.state = "full";
    view.dataset.run = first instanceof PatchMaps ? first.view.run : "";
    find(this.root, ".ax-translation").hidden = value.translation === null;
    find(this.root, ".ax-translation b").textContent = value.translation ?? "";
    this.#note(value.note);
    this.#drawKind();
    await this.#takeLook();
  }

  /** What a link said is chosen: kind, layer, head, the token that looks and the one that is looked at. */
  async #takeLook() {
    const said = this.look.take("look")?.split(".").map(Number);
    if (said?.length !== 5 || !said.every((number) => Number.isInteger(number) && number >= -1)) return;
    const [kind, layer, head, token, seen] = said;
    if (kind < 0 || layer < 0 || head < 0 || token < 0 || kind >= this.#kinds.length) return;
    this.#picked = this.#chosen = true;
    [this.#kind, this.#layer, this.#head] = [kind, layer, head];
    const maps = this.#kinds[kind];
    const most = (maps instanceof PatchMaps ? maps.tokens : maps.rows) - 1;
    [this.#token, this.#seen] = [Math.min(token, most), seen < 0 ? null : seen];
    if (maps instanceof PatchMaps) {
      await maps.need(this.#token);
      share("token", { run: maps.view.run, token: this.#token });
    }
    this.#drawKind();
    this.#keepLook();
  }

  #keepLook() {
    this.look.set("look", [this.#kind, this.#layer ?? 0, this.#head, this.#token, this.#seen ?? -1].join("."));
  }

  /** @param {ExplorerView["views"][number]} view */
  async #loaded(view) {
    if (view.kind !== "patches") return TextMaps.of(view);
    if (view.first && !this.#picked) [this.#layer, this.#head] = view.first;
    const maps = new PatchMaps(view, (token) => ask(this.server.attention_rows, { run: view.run, token }));
    await Promise.all([this.patches.show(view.picture), maps.need(this.#firstToken(maps))]);
    return maps;
  }

  /** What stays chosen when another run of the same grid comes. @param {PatchMaps} maps */
  #firstToken({ view }) {
    if (view.token !== null) return view.token;
    return view.picture.columns === this.#patches()?.view.picture.columns ? this.#token : 0;
  }

  #patches() {
    const [first] = this.#kinds;
    return first instanceof PatchMaps ? first : null;
  }

  /** @param {Hovered | null} at */
  #point(at) {
    if (!this.#kinds.length) return;
    this.#hover = at;
    this.#drawReading();
    if (this.#form === "lines" || this.#form === "arcs") this.#drawForm();
  }

  /** @param {number} token that looks @param {number | null} seen that is looked at; null leaves it open */
  #pick(token, seen = null) {
    [this.#token, this.#seen, this.#hover] = [token, seen, null];
    this.#drawHead();
    this.#keepLook();
  }

  /** @param {number} layer @param {number} head */
  #select(layer, head) {
    this.#picked = true;
    [this.#layer, this.#head, this.#chosen] = [layer, head, true];
    this.#drawHead();
    this.#keepLook();
  }

  /** A patch chosen here or in another view of this run; its rows may have to come first. @param {number} token */
  async #follow(token) {
    const maps = this.#patches();
    if (!maps) return;
    const followed = ++this.#followed;
    const view = find(this.root, ".ax");
    view.dataset.busy = "true";
    try {
      await maps.need(token);
      if (followed !== this.#followed || maps !== this.#patches()) return;
      this.#pick(token);
      this.grid.repaint();
    } catch (error) {
      this.#note(/** @type {Error} */ (error).message);
    } finally {
      view.dataset.busy = "false";
    }
  }

  /** @param {string} text */
  #note(text) {
    find(this.root, ".ax-note").hidden = !text;
    find(this.root, ".ax-note").textContent = text;
  }

  /** The look worth seeing first, else the head with the clearest habit. @param {TextMaps | PatchMaps} maps */
  #chooseFirst(maps) {
    this.#chosen = false;
    if (maps instanceof PatchMaps) {
      [this.#layer, this.#head] = [
        this.#layer ?? maps.view.layers - 1,
        this.#layer === null ? maps.view.heads : this.#head,
      ];
      return;
    }
    const best = clearest(maps.view.habits);
    if (best) this.habits.choose(best.rule);
    const { first } = maps.view;
    if (first) [this.#layer, this.#head, this.#token, this.#seen] = [first.layer, first.head, first.query, first.key];
    else
      [this.#layer, this.#head, this.#token, this.#seen] = [best?.layer ?? 0, best?.head ?? maps.view.heads, 0, null];
  }

  #drawKind() {
    const { root } = this;
    const maps = this.#kinds[this.#kind];
    const { view, summaries } = maps;
    const last = (maps instanceof PatchMaps ? maps.tokens : maps.rows) - 1;
    this.#layer = Math.min(this.#layer ?? 0, view.layers - 1);
    this.#head = Math.min(this.#head, view.heads + summaries.length - 1);
    this.#token = Math.min(this.#token, last);
    this.#hover = null;
    const kinds = this.#kinds.map(({ view: { kind } }, index) =>
      chip(KINDS[kind], index === this.#kind, () => {
        this.#kind = index;
        this.#chooseFirst(this.#kinds[index]);
        this.#drawKind();
      }),
    );
    find(root, ".ax-kinds").replaceChildren(...kinds);
    find(root, ".ax-kinds").hidden = kinds.length < 2;
    this.grid.show({ layers: view.layers, heads: view.heads, summaries, paint: this.#painter(maps) });
    find(root, ".ax-layer").max = view.layers;
    find(root, ".ax-head").max = view.heads + summaries.length;
    this.#drawTitles(maps);
    this.#drawHead();
  }

  /** @param {TextMaps | PatchMaps} maps @returns {import("../pieces/head_grid.js").Grid["paint"]} */
  #painter(maps) {
    if (maps instanceof TextMaps)
      return (canvas, layer, head) => paintMap(canvas, maps.map(layer, head), maps.rows, maps.columns);
    const { rows, columns } = maps.view.picture;
    return (canvas, layer, head) => paintMap(canvas, maps.small(layer, head, this.#token), rows, columns);
  }

  /** @param {TextMaps | PatchMaps} maps */
  #drawTitles(maps) {
    const { root } = this;
    const patches = maps instanceof PatchMaps;
    const cross = maps.view.kind === "cross";
    find(root, ".ax-overview-title").textContent =
      `All layers (down) and heads (across)${patches ? ": where the chosen token looks" : ""}`;
    find(root, ".ax-scale-top").textContent = patches ? "largest of each map" : "1";
    find(root, ".ax-strip-title").textContent = cross
      ? "Who looks: the token being written"
      : "Who looks: click a token";
    find(root, ".ax-sources-title").textContent =
      "Who is looked at: the shading says how much; click a token and the heads are ranked by this look";
    find(root, ".ax-tokens").hidden = patches;
    if (patches) return;
    this.rowStrip.show(maps.view.rows);
    this.sourceStrip.show(maps.view.columns);
  }

  #drawHead() {
    const { root } = this;
    const { view, summaries } = this.#kinds[this.#kind];
    const layer = /** @type {number} */ (this.#layer);
    this.grid.select(layer, this.#head);
    this.habits.show(view.kind === "patches" ? {} : view.habits, layer, this.#head);
    find(root, ".ax-layer").value = layer + 1;
    find(root, ".ax-head").value = this.#head + 1;
    find(root, ".ax-layer-value").textContent = layer + 1;
    find(root, ".ax-head-value").textContent =
      this.#head < view.heads ? this.#head + 1 : summaries[this.#head - view.heads];
    for (const name of [".ax-map", ".ax-lines", ".ax-arcs"])
      find(root, name).setAttribute("aria-label", `attention weights of layer ${layer + 1}, ${this.#headName()}`);
    this.#drawForm();
    this.#drawReading();
    const run = this.#patches()?.view.run;
    if (run && this.#head < view.heads) share("looking", { run, layer, head: this.#head, token: this.#token });
  }

  #headName() {
    const { view, summaries } = this.#kinds[this.#kind];
    return this.#head < view.heads ? `head ${this.#head + 1}` : SUMMARIES[summaries[this.#head - view.heads]];
  }

  /** The large drawing of one head. */
  #drawForm() {
    const { root } = this;
    const maps = this.#kinds[this.#kind];
    if (!maps) return;
    /** @type {Form[]} */
    const forms =
      maps instanceof PatchMaps
        ? ["picture"]
        : maps.view.kind === "cross"
          ? ["map", "lines"]
          : ["map", "lines", "arcs"];
    if (!forms.includes(this.#form)) this.#form = forms[0];
    const form = this.#form;
    /** @type {NodeListOf<HTMLElement>} */
    const frames = root.querySelectorAll("[data-form]:not(.ax)");
    for (const frame of frames) frame.hidden = frame.dataset.form !== form;
    find(root, ".ax").dataset.form = form;
    find(root, ".ax-forms").hidden = forms.length < 2;
    find(root, ".ax-title-form").hidden = form === "arcs" || form === "picture";
    if (maps instanceof PatchMaps || form === "picture") return;
    find(root, ".ax-rows").textContent = `${form === "map" ? "rows" : "left"}: who looks`;
    find(root, ".ax-cols").textContent = `${form === "map" ? "columns" : "right"}: who is looked at`;
    const chips = forms.map((one) =>
      chip(one, one === form, () => {
        this.#form = one;
        this.#drawForm();
      }),
    );
    find(root, ".ax-forms").replaceChildren(...chips);
    this[form].show({
      rows: maps.rows,
      columns: maps.columns,
      rowLabels: maps.view.rows.map(readable),
      columnLabels: maps.view.columns.map(readable),
      weights: maps.map(this.#layer ?? 0, this.#head),
      row: form === "map" || !this.#hover ? this.#token : this.#hover.row,
    });
  }

  /** Where the token looks, in shades, in a sentence and in bars. */
  #drawReading() {
    const maps = this.#kinds[this.#kind];
    const layer = /** @type {number} */ (this.#layer);
    const row = this.#hover ? this.#hover.row : this.#token;
    const weights = maps.row(layer, this.#head, row);
    const column = this.#hover ? this.#hover.column : this.#seen;
    this.#shade(maps, weights, column);
    const seen = column ?? largestFirst(weights)[0];
    find(this.root, ".ax-readout").textContent =
      `Layer ${layer + 1}, ${this.#headName()}: ${lookingName(maps, row)} takes ${column === null ? "most, " : ""}` +
      `${weights[seen].toFixed(3)} of its attention from ${seenName(maps, seen)}.${shareOfHeads(maps, row, column)}`;
    showBars(find(this.root, ".ax-bars"), maps, weights, row);
    if (!this.#hover && maps instanceof TextMaps) this.links.show(maps, { layer, head: this.#head, row, column });
  }

  /** @param {TextMaps | PatchMaps} maps @param {Float32Array} weights @param {number | null} seen */
  #shade(maps, weights, seen) {
    /** @param {number} index */
    const share = (index) => weights[index];
    if (maps instanceof PatchMaps) {
      this.patches.shade(share, this.#token);
      return;
    }
    this.rowStrip.shade(null, this.#token);
    this.sourceStrip.shade(share, seen);
  }
}

/** How many heads give a look more than half of a token's attention. @param {TextMaps | PatchMaps} maps @param {number} row @param {number | null} column */
function shareOfHeads(maps, row, column) {
  if (!(maps instanceof TextMaps) || column === null) return "";
  const ranked = maps.ranked(row, column);
  return ` Of ${ranked.length} heads ${ranked.filter(({ weight }) => weight > 0.5).length} give this look more than half.`;
}

/** @param {(TextMaps | PatchMaps)[]} kinds @param {(TextMaps | PatchMaps)[]} others */
const sameGrid = (kinds, others) =>
  kinds.length === others.length &&
  kinds.every(({ view }, index) => {
    const other = others[index].view;
    return view.kind === other.kind && view.layers === other.layers && view.heads === other.heads;
  });
