// Ways from noise to points of the plane: along a circle by the noise (score matching), straight by the direction (flow
// matching), and straight once more by the pairs that the straight way itself has made (rectified flow).

import { distanceTo } from "./flow_learner.js";
import { createNetwork, createOptimizer, lossAndGradient, normalNumbers, predict } from "./flow_network.js";
import { EDGE } from "./flow_shapes.js";

/** @typedef {import("./flow_network.js").Network} Network */
/** @typedef {"score" | "flow" | "rectified"} WayName */
/** @typedef {{ signal: (t: number) => number, noise: (t: number) => number }} Path  x_t = signal x_0 + noise ε */

export const HIDDEN = 48;
const [BATCH, RATE, LAST_RATE] = [128, 5e-3, 5e-4];
const UNSAID = 0.2; // share of points whose class is not said in training
export const FLOWING = 300;
/** Time at which the noise is not yet all there is: where the signal is 0, noise says nothing of the picture. */
const NEARLY = 0.999;

/** @type {Record<"circle" | "line", Path>} */
export const PATHS = {
  circle: {
    signal: (t) => Math.cos((Math.PI / 2) * NEARLY * t),
    noise: (t) => Math.sin((Math.PI / 2) * NEARLY * t),
  },
  line: { signal: (t) => 1 - t, noise: (t) => t },
};

/** @type {Record<WayName, { path: Path, says: "noise" | "direction" }>} */
export const WAYS = {
  score: { path: PATHS.circle, says: "noise" },
  flow: { path: PATHS.line, says: "direction" },
  rectified: { path: PATHS.line, says: "direction" },
};

/** Standard normal points of a seed, `[count, 2]`. @param {number} seed @param {number} [count] */
export function noisePoints(seed, count = FLOWING) {
  const { normal } = normalNumbers(seed);
  return Float64Array.from({ length: 2 * count }, normal);
}

/**
 * A training of a way. `pairs` are (x_0, ε) that belong together, one after the other `[count, 4]`; without them the noise
 * is drawn anew for each point of `data`. `told` are the classes of `data`, of which some are not said.
 * @param {WayName} name @param {Float64Array} data @param {number} steps
 * @param {{ pairs?: Float64Array, told?: Int8Array, seed?: number }} [more]
 * @returns {Network}
 */
export function trainWay(name, data, steps, { pairs, told, seed = 0 } = {}) {
  const network = createNetwork(HIDDEN, seed, told ? 2 : 0);
  const optimize = createOptimizer(network.weights.length);
  const random = normalNumbers(seed + 1);
  for (let step = 0; step < steps; step++) {
    const { points, times, targets, classes } = drawBatch(name, data, random, pairs, told);
    const rate = RATE + (LAST_RATE - RATE) * (step / steps);
    optimize(network.weights, lossAndGradient(network, points, times, targets, classes).gradient, rate);
  }
  return network;
}

/**
 * One point to learn from: its picture, its noise, when, and of which class it is said to be (-1: not said).
 * @param {Float64Array} data @param {import("./flow_network.js").Random} random
 * @param {Float64Array | undefined} pairs @param {Int8Array | undefined} told
 */
function drawPoint(data, random, pairs, told) {
  const which = Math.floor(random.uniform() * (pairs ? pairs.length / 4 : data.length / 2));
  const t = random.uniform();
  const said = !told || random.uniform() < UNSAID ? -1 : told[which];
  const at = pairs ? pairs.subarray(4 * which, 4 * which + 4) : data.subarray(2 * which, 2 * which + 2);
  const noise = pairs ? at.subarray(2) : [random.normal(), random.normal()];
  return { t, said, clean: at, noise };
}

/**
 * @param {WayName} name @param {Float64Array} data @param {import("./flow_network.js").Random} random
 * @param {Float64Array | undefined} pairs @param {Int8Array | undefined} told
 */
function drawBatch(name, data, random, pairs, told) {
  const { path, says } = WAYS[name];
  const [points, times, targets] = [new Float64Array(2 * BATCH), new Float64Array(BATCH), new Float64Array(2 * BATCH)];
  const classes = told ? new Int8Array(BATCH) : null;
  for (let i = 0; i < BATCH; i++) {
    const { t, said, clean, noise } = drawPoint(data, random, pairs, told);
    times[i] = t;
    if (classes) classes[i] = said;
    for (let axis = 0; axis < 2; axis++) {
      points[2 * i + axis] = path.signal(t) * clean[axis] + path.noise(t) * noise[axis];
      targets[2 * i + axis] = says === "noise" ? noise[axis] : noise[axis] - clean[axis];
    }
  }
  return { points, times, targets, classes };
}

/**
 * The way of points from the noise, at t = 1, in so many steps of equal length: the points after each, the noise first.
 * @param {WayName} name @param {Network} network @param {Float64Array} points @param {number} steps
 * @param {{ told?: Int8Array, guidance?: number }} [more]  guidance: how far beyond what it says without a class
 */
export function wayOf(name, network, points, steps, { told, guidance = 1 } = {}) {
  const { path, says } = WAYS[name];
  const way = [points];
  for (let step = 0; step < steps; step++) {
    const [t, next] = [1 - step / steps, 1 - (step + 1) / steps];
    const now = way[step];
    const said = guided(network, now, t, told, guidance);
    way.push(
      now.map((value, i) => {
        if (says === "direction") return value + (next - t) * said[i];
        const clean = (value - path.noise(t) * said[i]) / path.signal(t);
        return path.signal(next) * Math.min(EDGE, Math.max(-EDGE, clean)) + path.noise(next) * said[i];
      }),
    );
  }
  return way;
}

/**
 * What a network says, and beyond: without class + guidance × (with it − without).
 * @param {Network} network @param {Float64Array} points @param {number} t @param {Int8Array | undefined} told @param {number} guidance
 */
function guided(network, points, t, told, guidance) {
  const times = new Float64Array(points.length / 2).fill(t);
  const asked = predict(network, points, times, told ?? null).v;
  if (!told || guidance === 1) return asked;
  const without = predict(network, points, times).v;
  return asked.map((value, i) => without[i] + guidance * (value - without[i]));
}

/** Points and the noise they came from, as pairs `[count, 4]`. @param {Float64Array[]} way */
export function pairsOf(way) {
  const [noise, made] = [way[0], way[way.length - 1]];
  return Float64Array.from({ length: 2 * noise.length }, (_, at) => {
    const [which, part] = [Math.floor(at / 4), at % 4];
    return part < 2 ? made[2 * which + part] : noise[2 * which + part - 2];
  });
}

/** How much longer the ways are than the straight lines from their first to their last points, on average. @param {Float64Array[]} way */
export function bendOf(way) {
  const hop = (/** @type {Float64Array} */ a, /** @type {Float64Array} */ b, /** @type {number} */ i) =>
    Math.hypot(a[2 * i] - b[2 * i], a[2 * i + 1] - b[2 * i + 1]);
  const count = way[0].length / 2;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let length = 0;
    for (let step = 1; step < way.length; step++) length += hop(way[step], way[step - 1], i);
    sum += length / (hop(way[way.length - 1], way[0], i) || 1);
  }
  return sum / count;
}

/**
 * How far points are from a shape on average: from the nearest of its points, and its points from the nearest of them. So
 * points that all lie in one place of the shape are far from it.
 * @param {Float64Array} data @param {Float64Array} points
 */
export const apartFrom = (data, points) => (distanceTo(data, points) + distanceTo(points, data)) / 2;

/** @param {{ hidden: number, classes: number, weights: string }} kept @returns {Network} */
export function networkOf({ hidden, classes, weights }) {
  const network = createNetwork(hidden, 0, classes);
  const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
  network.weights.set(new Float32Array(bytes.buffer));
  return network;
}

/** Two crossing bars, a class each, and which class each point is of. */
export function crossingBars() {
  const { uniform, normal } = normalNumbers(11);
  const told = Int8Array.from({ length: 1200 }, (_, i) => i % 2);
  const data = Float64Array.from(
    [...told].flatMap((bar) => {
      const [along, beside] = [3.4 * (uniform() - 0.5), 0.07 * normal()];
      return bar ? [along + beside, -along + beside] : [along + beside, along - beside];
    }),
  );
  return { data, told };
}

/** Share of points that are nearer to the middle line of their own bar. @param {Float64Array} points @param {Int8Array} told */
export function shareOnOwnBar(points, told) {
  let own = 0;
  for (let i = 0; i < told.length; i++) {
    const [x, y] = [points[2 * i], points[2 * i + 1]];
    const [rising, falling] = [Math.abs(x - y), Math.abs(x + y)];
    if (told[i] ? falling < rising : rising < falling) own += 1;
  }
  return own / told.length;
}

/** How far points are from the origin, where the bars cross, on average. @param {Float64Array} points */
export function reachOf(points) {
  let sum = 0;
  for (let i = 0; i < points.length; i += 2) sum += Math.hypot(points[i], points[i + 1]);
  return (2 * sum) / points.length;
}
