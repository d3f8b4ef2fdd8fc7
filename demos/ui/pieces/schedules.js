// What is computed at which step, and how much in all.

/** @typedef {import("../types.js").CostView} CostView */
/** @typedef {"read" | "write" | "again"} Task  reading a text; writing one with a cache; writing it without */

/**
 * One row a step, one entry a character: "done" where it is computed, "seen" where it is only read, "" elsewhere.
 * @param {CostView} network @param {Task} task @param {number} n @returns {string[][]}
 */
export function stepsOf({ layers, per_pair }, task, n) {
  const places = Array.from({ length: n }, (_, place) => place);
  if (!per_pair)
    return places.map((step) => places.map((place) => (place === step ? "done" : place === step - 1 ? "seen" : "")));
  const reading = Array.from({ length: layers }, () => places.map(() => "done"));
  if (task === "read") return reading;
  /** @param {number} now @param {number} place */
  const state = (now, place) => (place > now ? "" : place === now || task === "again" ? "done" : "seen");
  return places.flatMap((now) => Array.from({ length: layers }, () => places.map((place) => state(now, place))));
}

/**
 * Steps that wait for one another (span) and multiplications in all (work).
 * @param {CostView} network @param {Task} task @param {number} n @returns {{ span: number, work: number }}
 */
export function costOf({ layers, per_character, per_pair }, task, n) {
  if (!per_pair) return { span: n * layers, work: n * per_character };
  const reading = (/** @type {number} */ length) => length * per_character + length ** 2 * per_pair;
  if (task === "read") return { span: layers, work: reading(n) };
  const written = Array.from({ length: n }, (_, place) => place + 1);
  const one = (/** @type {number} */ length) =>
    task === "again" ? reading(length) : per_character + length * per_pair;
  return { span: n * layers, work: written.reduce((sum, length) => sum + one(length), 0) };
}
