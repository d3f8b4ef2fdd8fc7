// What the visitor sees as a file: all that an address holds, with texts and the visitor's own pictures, which no address does.
// Networks that were trained are files of their own.

import { open, state } from "../core/address.js";

const FORMAT = "glassbox-view";
const VERSION = 1;
const MOST_BYTES = 64 * 2 ** 20;
const MOST_KEYS = 60;
const PICTURE = /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]+$/;
const ANYTHING = /^/;
const DAMAGED = "This file is damaged, or was not saved by this app.";

/** @typedef {{ page: string, values: Record<string, string>, pictures: Record<string, string> }} View */

/** The file of what is seen. @returns {Promise<{ content: Blob, name: string }>} */
export async function keep() {
  const { page, values, pictures } = state();
  if (!page) throw new Error("There is nothing to keep here yet.");
  const held = await Promise.all(Object.entries(pictures).map(async ([name, href]) => [name, await within(href)]));
  const told = { format: FORMAT, version: VERSION, page, values, pictures: Object.fromEntries(held) };
  const content = new Blob([JSON.stringify(told, null, 1)], { type: "application/json" });
  return { content, name: `glassbox-${page.replace(/[^a-z0-9]+/g, "-")}.json` };
}

/** Opens what a file holds. @param {File} file @param {(file: File) => Promise<{ path: string }>} upload */
export async function give(file, upload) {
  if (file.size > MOST_BYTES) throw new Error(`This file has more than ${MOST_BYTES / 2 ** 20} MB.`);
  const { page, values, pictures } = read(await file.text());
  const given = await Promise.all(
    Object.entries(pictures).map(async ([name, href]) => [name, (await upload(await asFile(name, href))).path]),
  );
  open(page, { ...values, ...Object.fromEntries(given) });
}

/** What a file says, checked. Throws an Error with a sentence. @param {string} text @returns {View} */
export function read(text) {
  const told = parsed(text);
  if (told?.format !== FORMAT) throw new Error(DAMAGED);
  if (told.version !== VERSION) throw new Error("This file was saved by another version of the app.");
  const { page, values, pictures } = told;
  const whole = typeof page === "string" && isTexts(values, ANYTHING) && isTexts(pictures, PICTURE);
  if (!whole) throw new Error(DAMAGED);
  return { page, values, pictures };
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {unknown} record @param {RegExp} form */
function isTexts(record, form) {
  if (typeof record !== "object" || record === null || Array.isArray(record)) return false;
  const entries = Object.entries(record);
  return entries.length <= MOST_KEYS && entries.every(([, value]) => typeof value === "string" && form.test(value));
}

/** A file of the page inside an address. @param {string} href @returns {Promise<string>} */
async function within(href) {
  const answer = await fetch(href).catch(() => null);
  if (!answer?.ok) throw new Error("Your picture is no longer kept on the server: give it again.");
  const blob = await answer.blob();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(/** @type {string} */ (reader.result)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

/** @param {string} name @param {string} href */
async function asFile(name, href) {
  const blob = await (await fetch(href)).blob();
  return new File([blob], `${name.replace(/[^a-z0-9_]/gi, "")}.${blob.type.split("/")[1]}`, { type: blob.type });
}
