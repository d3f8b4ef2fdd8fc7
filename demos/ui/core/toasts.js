// What a browser refuses by itself (a file that is too large, a camera that is not allowed) Gradio calls an error. It is
// for the visitor to check, as what the server refuses; what fails on our side has a title of its own.

import { onArrivals } from "./arrivals.js";
import { said } from "./words.js";

/** Whether a toast is about something the visitor can do. @param {string} title @param {string} text */
export const isForTheVisitor = (title, text) => title.trim() === "Error" && !/connection/i.test(text);

/** From now on. */
export function nameToasts() {
  onArrivals(".toast-title", (title) => {
    if (isForTheVisitor(title.textContent ?? "", title.parentElement?.textContent ?? ""))
      title.textContent = said("Please check");
  });
}
