// What a strip says while something is done ("Loading …") is over when that has failed or was stopped: it says that.

import { said } from "./words.js";

const DRAWN_MILLISECONDS = 200; // Gradio draws what came last a little after it came

/** @type {WeakMap<Element, string>} strips that say so, and what they said before */
const over = new WeakMap();

/**
 * The ids in the page of what an event writes to.
 * @param {{ dependencies: any[], components: any[] }} config of Gradio @param {number} event
 * @returns {string[]}
 */
export function outputsOf({ dependencies, components }, event) {
  const outputs = dependencies.find(({ id }) => id === event)?.outputs ?? [];
  return outputs.map((/** @type {number} */ output) => {
    const { props } = components.find(({ id }) => id === output) ?? { props: {} };
    return props.elem_id || `component-${output}`;
  });
}

/** @param {number} event @returns {Element[]} */
function passing(event) {
  const config = /** @type {any} */ (globalThis).gradio_config;
  const places = outputsOf(config, event).map((id) => document.getElementById(id));
  return places.flatMap((place) => [...(place?.querySelectorAll("[data-passing]") ?? [])]);
}

/** An event has begun: its strips say again what is done. @param {number} event */
export function passes(event) {
  for (const strip of passing(event)) {
    const before = over.get(strip);
    if (before !== undefined) strip.innerHTML = before;
    over.delete(strip);
  }
}

/** An event has failed or was stopped. @param {number} event @param {() => boolean} again whether it has begun again */
export function passed(event, again) {
  setTimeout(() => {
    for (const strip of again() ? [] : passing(event)) {
      over.set(strip, strip.innerHTML);
      strip.textContent = said("Nothing was computed.");
    }
  }, DRAWN_MILLISECONDS);
}
