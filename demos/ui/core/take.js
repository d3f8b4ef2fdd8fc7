// "Take it with you": a control beside a view or a table that offers what is seen there as files. What it offers is made
// by `pieces/taking.js`, which is fetched when a visitor first asks for it.

import { onArrivals } from "./arrivals.js";
import { element } from "./dom.js";
import { said } from "./words.js";

/**
 * A control for a figure; `renew` when it may show something else.
 * @param {HTMLElement} figure what is drawn
 * @param {() => any} value what it shows: a view as it travelled, or nothing
 */
export function takeControl(figure, value = () => null) {
  const files = element("div", { class: "gb-take-files" });
  const title = element("summary", {}, said("Take it with you"));
  const node = element("details", { class: "gb-take" }, title, files);
  /** @type {string | undefined} */
  let filled;
  const fill = async () => {
    filled = value()?.take;
    try {
      const taking = await import("../pieces/taking.js");
      await taking.fill(files, figure, value());
    } catch (error) {
      files.replaceChildren(element("p", { role: "status" }, error instanceof Error ? error.message : String(error)));
    }
  };
  node.addEventListener("toggle", () => (node.open ? fill() : files.replaceChildren()));
  const renew = () => (node.open && value()?.take !== filled ? fill() : undefined);
  return { node, renew };
}

/** What stands on a page without a component: tables, lists and figures in HTML. */
const FIGURES = "table, .gb-neighbours, .gb-figure, .gb-large, .gb-entry";

/** A figure that has come onto the page by itself gets a control, also when it is drawn anew. @param {HTMLElement} figure */
function offer(figure) {
  if (!figure.closest("[role=tabpanel]") || figure.closest(".gb-view")) return;
  if (figure.parentElement?.closest(FIGURES)) return;
  const place = figure.closest(".gb-scroll") ?? figure;
  if (!place.nextElementSibling?.matches(".gb-take")) place.after(takeControl(figure).node);
}

/** From now on. */
export const offerFigures = () => onArrivals(FIGURES, offer);
