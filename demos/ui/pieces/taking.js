// What "Take it with you" offers: pictures and tables of what is seen, made here; arrays, program and animation of what is
// behind it, made by the server (`demos/take`).

import { element, save } from "../core/dom.js";
import { said } from "../core/words.js";
import { drawing, rasterized } from "./drawing.js";
import { csvOf, rowsOfList, rowsOfSeries, rowsOfTable } from "./rows.js";

const ABOUT =
  "SVG: texts, lines and boxes are drawn anew as vectors, canvases and photos are pictures inside. PNG: the same at twice the size.";

/** @typedef {{ label: string, make: () => Promise<Blob> | Blob | string, name: string }} Offer */

/**
 * Fills an opened control.
 * @param {HTMLElement} files @param {HTMLElement} figure @param {any} value
 */
export async function fill(files, figure, value) {
  const behind = await listed(value?.take);
  const stem = behind.stem ?? stemOf(figure);
  const offers = [...pictures(figure, stem), ...tables(figure, value, stem), ...behind.offers];
  const status = element("p", { class: "gb-caption", role: "status" }, said(ABOUT));
  const buttons = offers.map((offer) => buttonOf(offer, status));
  files.replaceChildren(element("div", { class: "gb-chips" }, ...buttons), status);
}

/** @param {Offer} offer @param {HTMLElement} status */
function buttonOf({ label, make, name }, status) {
  const act = async () => {
    try {
      save(await make(), name);
      status.textContent = name;
    } catch (error) {
      status.textContent = error instanceof Error ? error.message : String(error);
    }
  };
  return element("button", { type: "button", class: "gb-chip", onclick: act }, said(label));
}

/** @param {HTMLElement} figure @param {string} stem @returns {Offer[]} */
function pictures(figure, stem) {
  if (figure.matches("table")) return [];
  return [
    { label: "PNG", name: `${stem}.png`, make: async () => rasterized(await drawing(figure)) },
    {
      label: "SVG",
      name: `${stem}.svg`,
      make: async () => new Blob([(await drawing(figure)).text], { type: "image/svg+xml" }),
    },
  ];
}

/** @param {HTMLElement} figure @param {any} value @param {string} stem @returns {Offer[]} */
function tables(figure, value, stem) {
  const found = [figure, ...figure.querySelectorAll("table, .gb-neighbours ol")];
  const seen = /** @type {HTMLElement[]} */ (found).filter((one) => one.matches("table, ol") && one.offsetParent);
  const all = seen.map((one) => (one instanceof HTMLTableElement ? rowsOfTable(one) : rowsOfList(one)));
  if (value?.series?.length) all.push(rowsOfSeries(value));
  const whole = all.filter((rows) => rows.length);
  return whole.map((rows, place) => ({
    label: whole.length === 1 ? "CSV" : `CSV ${place + 1}`,
    name: `${stem}${whole.length === 1 ? "" : `-${place + 1}`}.csv`,
    make: () => new Blob(["\ufeff", csvOf(rows)], { type: "text/csv" }),
  }));
}

/** Files that the server makes. @param {string | undefined} name @returns {Promise<{ stem?: string, offers: Offer[] }>} */
async function listed(name) {
  if (!name) return { offers: [] };
  const at = new URL(`take/${name}`, document.baseURI).href;
  const answer = await fetch(at).catch(() => null);
  if (!answer?.ok) return { offers: [] };
  const { stem, files } = await answer.json();
  const offers = files.map((/** @type {{ label: string, ending: string }} */ { label, ending }) => ({
    label,
    name: `${stem}.${ending}`,
    make: () => fetched(`${at}/${ending}`),
  }));
  return { stem, offers };
}

/** @param {string} href */
async function fetched(href) {
  const answer = await fetch(href).catch(() => null);
  if (!answer) throw new Error("The server cannot be reached: try again when the connection is back.");
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? "This file could not be made.");
  return answer.blob();
}

/** @param {HTMLElement} figure */
function stemOf(figure) {
  const id = figure.closest("[id]:not([id^=component-])")?.id ?? "";
  return /^[a-z][a-z-]*$/.test(id) ? `glassbox-${id}` : "glassbox";
}
