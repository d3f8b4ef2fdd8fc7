// Features of patches, layer by layer: their main directions as colours, and which patches are alike. Colours of all layers
// are here; a layer's features are fetched when its patches are first compared.

import { load } from "../core/arrays.js";
import { paintScale } from "../core/canvas.js";
import { element, find } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { clamp } from "../core/keys.js";
import { sequential } from "../core/ramps.js";
import { dot } from "../pieces/patches.js";
import { PictureTokens, patchName } from "../pieces/picture_tokens.js";

/** @typedef {import("../types.js").FeaturesView} FeaturesView */
/** @typedef {{ which: number, token: number }} Place  a patch (from 1) of the first (0) or second picture */
/** @typedef {{ view: FeaturesView, patches: number, values: Float32Array }} Shown */

const LISTED = 4;
const NAMES = ["first picture", "second picture"];
const COLOURS = ["red", "green", "blue"];

export const template = `
<div class="pf" data-state="empty">
  <p class="gb-empty">Choose an example, upload a picture or take one with the webcam: what each of its patches knows appears here.</p>
  <div class="full">
    <div class="controls">
      <span class="forms" role="group" aria-label="What is shown">
        <button class="gb-chip" type="button" data-form="colours">colours</button><button class="gb-chip" type="button" data-form="similarity">similarity</button>
      </span>
      <label>after layer <output class="layer-value"></output><input class="layer" type="range" min="0" step="1"></label>
    </div>
    <p class="about"></p>
    <div class="pictures">
      <figure><figcaption>First picture</figcaption><div class="picture"></div></figure>
      <figure><figcaption>Second picture</figcaption><div class="picture"></div></figure>
    </div>
    <div class="legend"></div>
    <p class="reading" aria-live="polite"></p>
    <p class="pointed"></p>
    <div class="alike"></div>
  </div>
</div>`;

const FORMS = ["colours", "similarity"];

export default class PatchFeatures {
  /** @type {Shown | null} */ #shown = null;
  #touched = false; // by the visitor: layer, form and patch stay when other pictures come
  #arrived = 0; // counts values, so that a slow picture never replaces a later one
  #form = "colours";
  /** @type {number | null} */ #layer = null;
  /** @type {Place} */ #chosen = { which: 0, token: 1 };
  /** @type {Place | null} */ #hovered = null;
  /** @type {Float32Array} */ #cosines = new Float32Array();

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, look }) {
    this.root = root;
    this.look = look;
    this.forms = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(".forms button")]);
    const frames = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(".picture")]);
    this.frames = frames.map((frame, which) => this.#frame(frame, which));
    for (const button of this.forms)
      button.addEventListener("click", () => {
        this.#touched = true;
        this.#form = button.dataset.form ?? "colours";
        this.#draw();
      });
    this.slider = /** @type {HTMLInputElement} */ (find(root, ".layer"));
    this.slider.addEventListener("input", () => {
      this.#touched = true;
      this.#layer = Number(this.slider.value);
      this.#draw();
    });
  }

  /** @param {HTMLElement} frame @param {number} which */
  #frame(frame, which) {
    return new PictureTokens(frame, {
      cls: false,
      onHover: (token) => {
        this.#hovered = token ? { which, token } : null;
        this.#read();
      },
      onPick: (token) => {
        this.#touched = true;
        this.#chosen = { which, token };
        this.#draw();
      },
    });
  }

  /** @param {FeaturesView | null} value */
  async show(value) {
    const turn = ++this.#arrived;
    const panel = find(this.root, ".pf");
    if (!value) {
      this.#shown = null;
      panel.dataset.state = "empty";
      return;
    }
    const values = /** @type {Float32Array} */ ((await load(value.values)).data);
    if (turn !== this.#arrived) return;
    await Promise.all(value.pictures.map((picture, which) => this.frames[which].show(picture)));
    if (turn !== this.#arrived) return;
    const { rows, columns } = value.pictures[0];
    const kept = this.#shown?.view.pictures[0].columns === columns && this.#chosen.which < value.pictures.length;
    this.#shown = { view: value, patches: rows * columns, values };
    if (!kept) this.#chosen = { which: 0, token: 1 + Math.floor(rows / 2) * columns + Math.floor(columns / 2) };
    this.#takeLook(value.layers, rows * columns, value.pictures.length);
    if (value.first && !this.#touched) {
      const [layer, token] = value.first;
      [this.#layer, this.#form, this.#chosen] = [layer, "similarity", { which: 0, token }];
    }
    this.#layer = Math.min(this.#layer ?? value.layers, value.layers);
    this.#hovered = null;
    this.slider.max = String(value.layers);
    this.#hideUnused(value.pictures.length);
    panel.dataset.state = "full";
    await this.#draw();
    panel.dataset.run = value.run;
  }

  /** What a link said is chosen: layer, form, picture and patch. @param {number} layers @param {number} patches @param {number} pictures */
  #takeLook(layers, patches, pictures) {
    const said = this.look.take("look");
    const [layer, form, which, token] = (said ?? "").split(".").map(Number);
    const fits = layer <= layers && form < FORMS.length && which < pictures && token >= 1 && token <= patches;
    if (!fits || !/^\d+\.\d+\.\d+\.\d+$/.test(said ?? "")) return;
    this.#touched = true;
    [this.#layer, this.#form, this.#chosen] = [layer, FORMS[form], { which, token }];
  }

  /** @param {number} pictures */
  #hideUnused(pictures) {
    const figures = /** @type {HTMLElement[]} */ ([...this.root.querySelectorAll("figure")]);
    figures.forEach((figure, which) => {
      figure.hidden = which >= pictures;
      find(figure, "figcaption").hidden = pictures < 2;
    });
  }

  async #draw() {
    const shown = this.#shown;
    if (!shown) return;
    const [layer, form] = [this.#layer ?? 0, this.#form];
    this.slider.value = String(layer);
    find(this.root, ".layer-value").textContent = String(layer);
    for (const button of this.forms) button.setAttribute("aria-pressed", String(button.dataset.form === form));
    find(this.root, ".about").textContent = about(shown.view, layer, form);
    find(this.root, ".alike").hidden = form === "colours";
    const steps = form === "colours" ? null : await this.#stepsOf(shown.view, layer);
    if (shown !== this.#shown || layer !== this.#layer || form !== this.#form) return;
    if (steps) this.#drawSimilarity(shown, steps);
    else this.#drawColours(shown, layer);
    this.#read();
    if (this.#touched)
      this.look.set("look", [layer, FORMS.indexOf(form), this.#chosen.which, this.#chosen.token].join("."));
    find(this.root, ".pf").dataset.drawn = `${form} ${layer} ${this.#chosen.which} ${this.#chosen.token}`;
  }

  /** @param {FeaturesView} view @param {number} layer */
  async #stepsOf(view, layer) {
    try {
      return /** @type {Int8Array} */ ((await load(view.steps[layer])).data);
    } catch (error) {
      find(this.root, ".reading").textContent = /** @type {Error} */ (error).message;
      throw error;
    }
  }

  /** @param {Shown} shown @param {number} layer */
  #drawColours(shown, layer) {
    const { pictures, shares, ends } = shown.view;
    const level = (/** @type {number} */ index, /** @type {number} */ direction) => {
      const [low, high] = ends[layer][direction];
      return clamp((component(shown, layer, index, direction) - low) / (high - low || 1), 0, 1);
    };
    pictures.forEach((_, which) => {
      const color = (/** @type {number} */ token) => [
        ...COLOURS.map((_name, direction) => Math.round(255 * level(placeOf(shown, { which, token }), direction))),
        0.9,
      ];
      this.frames[which].color(color, this.#chosen.which === which ? this.#chosen.token : 0);
    });
    const entries = COLOURS.map((name, direction) => {
      const [low, high] = ends[layer][direction];
      const color = (/** @type {number} */ share) =>
        COLOURS.map((_, other) => (other === direction ? Math.round(255 * share) : 0));
      return scale(
        `${name}: ${portion(shares[layer][direction])} of the variance,`,
        color,
        fixed(low, 2),
        fixed(high, 2),
      );
    });
    const together = shares[layer].reduce((sum, one) => sum + one, 0);
    find(this.root, ".legend").replaceChildren(...entries, element("span", {}, `together ${portion(together)}`));
  }

  /** @param {Shown} shown @param {Int8Array} steps */
  #drawSimilarity(shown, steps) {
    const own = placeOf(shown, this.#chosen);
    this.#cosines = cosinesWith(steps, shown.view.width, own);
    const others = this.#cosines.filter((_, index) => index !== own);
    const [low, high] = [Math.min(...others), Math.max(...others)];
    shown.view.pictures.forEach((_, which) => {
      const color = (/** @type {number} */ token) => [
        ...sequential((this.#cosine(shown, { which, token }) - low) / (high - low || 1)),
        0.8,
      ];
      const here = this.#chosen.which === which;
      this.frames[which].color(
        color,
        here ? this.#chosen.token : 0,
        here ? null : this.#mostAlike(shown, which)[0].token,
      );
    });
    const legend = scale("cosine with the chosen patch:", sequential, fixed(low, 2), fixed(high, 2));
    find(this.root, ".legend").replaceChildren(legend);
    find(this.root, ".alike").replaceChildren(...shown.view.pictures.map((_, which) => this.#alike(shown, which)));
  }

  /** @param {Shown} shown @param {Place} at */
  #cosine(shown, at) {
    return this.#cosines[placeOf(shown, at)];
  }

  /** Patches of one picture, the most similar first, without the chosen one. @param {Shown} shown @param {number} which */
  #mostAlike(shown, which) {
    const own = placeOf(shown, this.#chosen);
    return Array.from({ length: shown.patches }, (_, index) => ({ which, token: index + 1 }))
      .filter((at) => placeOf(shown, at) !== own)
      .sort((a, b) => this.#cosine(shown, b) - this.#cosine(shown, a));
  }

  /** @param {Shown} shown @param {number} which */
  #alike(shown, which) {
    const { pictures } = shown.view;
    const rows = this.#mostAlike(shown, which)
      .slice(0, LISTED)
      .map((at) => {
        const value = this.#cosine(shown, at);
        const fill = element("span", { class: "gb-fill", style: { width: `${100 * Math.max(0, value)}%` } });
        const name = element("span", {}, patchName(at.token, pictures[0].columns));
        return element(
          "li",
          {},
          name,
          element("span", { class: "gb-track" }, fill),
          element("span", {}, fixed(value, 2)),
        );
      });
    const title = pictures.length > 1 ? `most similar in the ${NAMES[which]}` : "most similar";
    return element("div", {}, element("b", {}, title), element("ol", {}, ...rows));
  }

  /** In numbers: what is chosen, and what is under the pointer. */
  #read() {
    const shown = this.#shown;
    if (!shown) return;
    const colours = this.#form === "colours";
    const values = (/** @type {Place} */ at) => this.#levels(shown, at);
    const said = (/** @type {Place} */ at) =>
      colours ? values(at) : `cosine ${fixed(this.#cosine(shown, at), 2)} with the chosen patch`;
    const chosen = `Chosen: ${named(shown, this.#chosen)}${colours ? `: ${values(this.#chosen)}` : ""}.`;
    find(this.root, ".reading").textContent = `${chosen}${colours ? "" : this.#likeIt(shown)}`;
    const hovered = this.#hovered;
    find(this.root, ".pointed").textContent = hovered
      ? `Under the pointer: ${named(shown, hovered)}: ${said(hovered)}.`
      : "";
  }

  /** @param {Shown} shown @param {Place} at */
  #levels(shown, at) {
    const value = (/** @type {number} */ direction) =>
      fixed(component(shown, this.#layer ?? 0, placeOf(shown, at), direction), 2);
    return COLOURS.map((name, direction) => `${name} ${value(direction)}`).join(", ");
  }

  /** @param {Shown} shown */
  #likeIt(shown) {
    if (shown.view.pictures.length < 2) return "";
    const best = this.#mostAlike(shown, 1 - this.#chosen.which)[0];
    const where = patchName(best.token, shown.view.pictures[0].columns);
    return ` Most like it in the ${NAMES[best.which]}, framed in pink: ${where}, cosine ${fixed(this.#cosine(shown, best), 2)}.`;
  }
}

/** @param {number} share */
const portion = (share) => `${(100 * share).toPrecision(2)} %`;

/** Patches of all pictures lie one after another in the arrays. @param {Shown} shown @param {Place} at */
const placeOf = ({ patches }, { which, token }) => which * patches + token - 1;

/** @param {Shown} shown */
const countOf = ({ view, patches }) => view.pictures.length * patches;

/** @param {Shown} shown @param {Place} at */
const named = ({ view: { pictures } }, { which, token }) =>
  `${patchName(token, pictures[0].columns)}${pictures.length > 1 ? ` of the ${NAMES[which]}` : ""}`;

/** @param {Shown} shown @param {number} layer @param {number} index @param {number} direction */
const component = (shown, layer, index, direction) =>
  shown.values[(layer * countOf(shown) + index) * shown.view.shares[0].length + direction];

/** Cosines of one feature with all. @param {Int8Array} steps @param {number} width @param {number} index */
export function cosinesWith(steps, width, index) {
  const feature = (/** @type {number} */ place) => steps.subarray(place * width, (place + 1) * width);
  const from = feature(index);
  const length = Math.sqrt(dot(from, from));
  return Float32Array.from({ length: steps.length / width }, (_, other) => {
    const to = feature(other);
    return dot(from, to) / (length * Math.sqrt(dot(to, to)) || 1);
  });
}

/** @param {FeaturesView} view @param {number} layer @param {string} form */
function about({ layers, width }, layer, form) {
  const last = `After the last of ${layers} layers and the last normalisation, what the head reads`;
  const later = layer === layers ? last : `After layer ${layer} of ${layers}`;
  const where = layer === 0 ? "Before the first layer a patch knows its own pixels and its place" : later;
  const colours = "Patches of one colour have features alike. Colours of two layers cannot be compared.";
  return `${where}: ${width} numbers a patch. ${form === "colours" ? colours : "Click a patch, or move it with the arrow keys."}`;
}

/** @param {string} title @param {(share: number) => number[]} color @param {string} low @param {string} high */
function scale(title, color, low, high) {
  const canvas = element("canvas", { class: "gb-ramp" });
  paintScale(canvas, color);
  return element("span", {}, element("span", {}, title), element("span", {}, low), canvas, element("span", {}, high));
}
