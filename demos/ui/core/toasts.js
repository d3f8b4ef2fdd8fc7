// What a browser refuses by itself (a file that is too large, a camera that is not allowed) Gradio calls an error. It is
// for the visitor to check, as what the server refuses; what fails on our side has a title of its own.

import { onArrivals } from "./arrivals.js";
import { said } from "./words.js";

/** Whether a toast, or several in one with their number behind it, is about something the visitor can do. @param {string} title @param {string} text */
export const isForTheVisitor = (title, text) => /^Error(\s*\(\d+\))?$/.test(title.trim()) && !/connection/i.test(text);

/** The title's own words; how many there are stands in a node of its own. @param {Element} title */
function rename(title) {
  for (const node of title.childNodes)
    if (node.nodeType === Node.TEXT_NODE)
      node.nodeValue = (node.nodeValue ?? "").replace("Error", said("Please check"));
}

/** From now on. */
export function nameToasts() {
  onArrivals(".toast-title", (title) => {
    if (isForTheVisitor(title.textContent ?? "", title.closest(".toast-body")?.textContent ?? "")) rename(title);
  });
}
