// Boxes pulled up with mouse or finger.

import { between, placeOf } from "./boxes.js";

/** Whether a box is at least so wide and high. @param {number[]} box @param {number} smallest */
export const isLarge = ([left, top, right, bottom], smallest) => Math.min(right - left, bottom - top) >= smallest;

/**
 * @param {HTMLElement} surface
 * @param {object} act
 * @param {() => boolean} act.begin  whether a box may be begun
 * @param {(box: number[] | null) => void} act.during  the box so far, null when it is done or broken off
 * @param {(box: number[]) => void} act.done  a box of at least `smallest`
 * @param {number} act.smallest  share of the picture's sides
 */
export function onPull(surface, { begin, during, done, smallest }) {
  /** @type {number[] | null} where the pointer went down */ let from = null;
  /** @type {number[]} */ let box = [];
  surface.addEventListener("pointerdown", (event) => {
    if (event.button || !begin()) return;
    event.preventDefault();
    surface.focus({ preventScroll: true });
    surface.setPointerCapture(event.pointerId);
    from = placeOf(event, surface);
    box = [...from, ...from];
  });
  surface.addEventListener("pointermove", (event) => {
    if (!from) return;
    box = between(from, placeOf(event, surface));
    during(box);
  });
  const end = (/** @type {PointerEvent} */ event) => {
    if (!from) return;
    from = null;
    during(null);
    if (event.type === "pointerup" && isLarge(box, smallest)) done(box);
  };
  surface.addEventListener("pointerup", end);
  surface.addEventListener("pointercancel", end);
}
