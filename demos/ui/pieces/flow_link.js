// What a link says of the toy in the plane: the shape, the training and the points on their way. All of it is computed anew
// from seeds; what was drawn by hand is too long for an address.

/** @typedef {import("./flow_learner.js").FlowLearner} Learner */
/** @typedef {import("./flow_learner.js").FlowPath} Path */
/** @typedef {import("./flow_shapes.js").Shape} Shape */
/**
 * @typedef {{ shape: Shape, kept: boolean, seed: number, updates: number, pace: number, noise: number, steps: number,
 *   place: number, paths: boolean, text: string }} Said  kept: it begins with the training that was kept
 */

const SHAPES = ["spiral", "moons", "letters"];
/** Updates; more would keep a phone busy for a minute. */
export const MOST_UPDATES = 2_000;
const LIMITS = [1, 9_999, MOST_UPDATES, 8, 9_999, 50, 50, 1];

/** As it stands in an address; null where a link could not lead back. @param {Said} said */
export function textOf({ shape, kept, seed, updates, pace, noise, steps, place, paths, text }) {
  if (!SHAPES.includes(shape) || Number.isNaN(pace) || updates > MOST_UPDATES) return null;
  return [shape, Number(kept), seed, updates, pace, noise, steps, place, Number(paths), text].join(".");
}

/** What an address says; null where it says nothing that could be. @param {string | null} said @returns {Said | null} */
export function readLink(said) {
  const [shape, ...parts] = (said ?? "").split(".");
  const numbers = parts.slice(0, LIMITS.length).map(Number);
  const fit =
    numbers.length === LIMITS.length &&
    numbers.every((one, at) => Number.isInteger(one) && one >= 0 && one <= LIMITS[at]);
  if (!SHAPES.includes(shape) || !fit) return null;
  const [kept, seed, updates, pace, noise, steps, place, paths] = numbers;
  if (steps < 1 || place > steps || (updates > 0 && pace < 1)) return null;
  const text = parts.slice(LIMITS.length).join(".").slice(0, 3);
  return {
    shape: /** @type {Shape} */ (shape),
    kept: Boolean(kept),
    seed,
    updates,
    pace,
    noise,
    steps,
    place,
    paths: Boolean(paths),
    text,
  };
}
