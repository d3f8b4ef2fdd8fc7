// One picture twice, each time under other boxes: side by side, one above the other where there is no room.

import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

/**
 * Part of a template: for each name a caption `.NAME-name` above the picture with a canvas `.NAME` on it.
 * @param {...[name: string, alt: string]} pictures
 */
export const picturePair = (...pictures) => `<div class="pp">${pictures.map(figureOf).join("")}</div>`;

/** @param {[name: string, alt: string]} picture */
const figureOf = ([name, alt]) =>
  `<figure><figcaption class="${name}-name"></figcaption><div class="pp-picture"><img alt="${alt}"><canvas class="${name}"></canvas></div></figure>`;
