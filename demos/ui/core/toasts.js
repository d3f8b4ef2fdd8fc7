// What a browser refuses by itself (a file that is too large, a camera that is not allowed) Gradio calls an error. It is
// for the visitor to check, as what the server refuses; what fails on our side has a title of its own.

import { said } from "./words.js";

const EVERY_MILLISECONDS = 150;

/** Whether a toast is about something the visitor can do. @param {string} title @param {string} text */
export const isForTheVisitor = (title, text) => title.trim() === "Error" && !/connection/i.test(text);

/** From now on. */
export function nameToasts() {
  setInterval(() => {
    for (const title of document.querySelectorAll(".toast-title"))
      if (isForTheVisitor(title.textContent ?? "", title.parentElement?.textContent ?? ""))
        title.textContent = said("Please check");
  }, EVERY_MILLISECONDS);
}
