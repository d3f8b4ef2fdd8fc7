// Browsers cut what does not fit into a text field without a word: this says it, under the field, until its text changes.

import { element } from "./dom.js";

const EVERY_MILLISECONDS = 200;

/** @typedef {{ value: string, selectionStart: number | null, selectionEnd: number | null, maxLength: number }} Holder */

/** How much of what a field holds stays when its selection is replaced. @param {Holder} field */
export const staying = ({ value, selectionStart, selectionEnd }) =>
  value.length - (selectionEnd ?? value.length) + (selectionStart ?? value.length);

/** Whether a text has no room in place of the selection. @param {Holder} field @param {string} text */
export const isTooLong = (field, text) => field.maxLength >= 0 && staying(field) + text.length > field.maxLength;

/** @param {number} limit @param {string} text that was put in @param {string} rest of it that did not fit */
export function sentenceOf(limit, text, rest) {
  const [length, cut] = [[...text].length, [...rest].length];
  const most = `The limit here is ${limit.toLocaleString("en")} character${limit === 1 ? "" : "s"}: `;
  if (cut === length) return `${most}nothing more fits.`;
  return `${most}the last ${cut.toLocaleString("en")} of your ${length.toLocaleString("en")} were left out.`;
}

/** @param {InputEvent} event */
function inserted({ data, dataTransfer, inputType }) {
  const text = data ?? dataTransfer?.getData("text/plain") ?? (inputType === "insertLineBreak" ? "\n" : "");
  return text.replace(/\r\n?/g, "\n");
}

/** @type {{ node: HTMLElement, field: Field, value: string | null } | null} @typedef {HTMLTextAreaElement | HTMLInputElement} Field */
let note = null;

/** Says it where the browser has cut. @param {Field} field @param {string} text @param {string} rest */
function tell(field, text, rest) {
  if (!rest) return;
  note?.node.remove();
  const node = element("p", { class: "gb-fault gb-cut", role: "alert" }, sentenceOf(field.maxLength, text, rest));
  (field.closest("label") ?? field).after(node);
  note = { node, field, value: null };
}

function forget() {
  if (!note) return;
  if (note.value === null) {
    note.value = note.field.value;
    note.node.scrollIntoView({ block: "nearest" }); // a field may have grown with what was put in
  }
  if (note.node.isConnected && note.field.isConnected && note.field.value === note.value) return;
  note.node.remove();
  note = null;
}

/** From now on, for every text field of the page. */
export function tellLimits() {
  document.addEventListener("beforeinput", (event) => {
    const field = /** @type {Field} */ (event.target);
    if (!field.matches("textarea, input") || event.inputType.startsWith("delete")) return;
    const [text, stays] = [inserted(event), staying(field)];
    if (isTooLong(field, text)) setTimeout(() => tell(field, text, text.slice(field.value.length - stays)));
  });
  setInterval(forget, EVERY_MILLISECONDS);
}
