// What the page itself does: sentences about downloads follow the download; arrow keys move along titles; waiting is
// visible; what does not fit into a text field is said; a visitor's mistake is never called an error; figures in HTML can
// be taken along; paper is light.

import { onArrivals } from "./arrivals.js";
import { element } from "./dom.js";
import { tellLimits } from "./limits.js";
import { followTabs } from "./tabs.js";
import { offerFigures } from "./take.js";
import { nameToasts } from "./toasts.js";
import { showWaiting } from "./waiting.js";
import { said } from "./words.js";

const EVERY_MILLISECONDS = 2000;

async function followDownloads() {
  const notes = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-gb-download]")]).filter(
    (note) => note.dataset.gbDownload,
  );
  if (!notes.length) return;
  const { downloads } = await (await fetch(new URL("readyz", document.baseURI))).json();
  for (const note of notes) {
    const [status, sentence] = downloads[/** @type {string} */ (note.dataset.gbDownload)];
    note.textContent = status === "ready" ? `${sentence} Run again to use it.` : sentence;
    if (status !== "running") note.dataset.gbDownload = "";
  }
}

/** Formulas that are wider than the page scroll by keyboard too. */
function reachFormulas() {
  const widths = new ResizeObserver((changes) => {
    for (const { target } of changes)
      if (target.scrollWidth > target.clientWidth) /** @type {HTMLElement} */ (target).tabIndex = 0;
  });
  onArrivals(".katex-display", (formula) => widths.observe(formula));
}

const PHONE = "(max-width: 640px)";
const LINES_OF_A_LEAD = 3;

/** On a phone what a page says at its head is two lines, and the rest when it is asked for. */
function shortenLeads() {
  if (!matchMedia(PHONE).matches) return;
  const heights = new ResizeObserver((changes) => {
    for (const { target } of changes) shorten(/** @type {HTMLElement} */ (target));
  });
  onArrivals(".gb-lead", (lead) => heights.observe(lead));
}

/** @param {HTMLElement} lead */
function shorten(lead) {
  const line = Number.parseFloat(getComputedStyle(lead).lineHeight);
  if (lead.dataset.more || lead.scrollHeight < (LINES_OF_A_LEAD + 0.5) * line) return;
  const more = element("button", { type: "button", class: "gb-more", "aria-expanded": false }, said("More"));
  more.addEventListener("click", () => {
    const open = lead.dataset.more !== "open";
    lead.dataset.more = open ? "open" : "short";
    more.setAttribute("aria-expanded", String(open));
    more.textContent = said(open ? "Less" : "More");
  });
  lead.dataset.more = "short";
  lead.append(more);
}

/** Paper is light: a dark page turns light while it is printed, its canvases with it. */
function printLight() {
  let dark = false;
  addEventListener("beforeprint", () => {
    dark = document.body.classList.contains("dark");
    document.body.classList.remove("dark");
  });
  addEventListener("afterprint", () => document.body.classList.toggle("dark", dark));
}

setInterval(() => followDownloads().catch(() => undefined), EVERY_MILLISECONDS);
reachFormulas();
offerFigures();
followTabs();
tellLimits();
printLight();
shortenLeads();
showWaiting();
nameToasts();
