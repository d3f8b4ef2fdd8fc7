// A network that learns the direction of noise, and points that flow along what it has learned.

import {
  createNetwork,
  createOptimizer,
  drawBatch,
  flow,
  lossAndGradient,
  normalNumbers,
  predict,
} from "./flow_network.js";

const [HIDDEN, BATCH, RATE] = [48, 128, 5e-3];
const FLOWING = 300;

/** @typedef {{ updates: number, weights: string, losses: number[] }} Trained  weights: float32, in base64 */

export class FlowLearner {
  data = new Float64Array(0);
  updates = 0;
  /** @type {number[]} */ losses = [];
  seed = 0;
  /** Updates that the network had from the start: those of a training that was kept. */ adopted = 0;
  /** Optimiser steps an update; 0 before any, NaN where they have changed on the way. */ pace = 0;
  network = createNetwork(HIDDEN, 0);
  optimize = createOptimizer(this.network.weights.length);
  random = normalNumbers(1);

  /** Begins with the weights of its seed. */
  begin() {
    this.network = createNetwork(HIDDEN, this.seed);
    this.optimize = createOptimizer(this.network.weights.length);
    this.random = normalNumbers(this.seed + 1);
    this.updates = this.adopted = this.pace = 0;
    this.losses = [];
  }

  /** Goes on from a training that was kept. @param {Trained} trained */
  adopt({ updates, weights, losses }) {
    this.seed = 0;
    this.begin();
    const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
    this.network.weights.set(new Float32Array(bytes.buffer));
    this.updates = this.adopted = updates;
    this.losses = [...losses];
  }

  /** Begins with other weights. */
  beginAnew() {
    this.seed += 1;
    this.begin();
  }

  /** One update of a few optimiser steps. @param {number} steps */
  update(steps) {
    let mean = 0;
    this.pace = this.pace === 0 ? steps : this.pace === steps ? steps : Number.NaN;
    for (let step = 0; step < steps; step++) {
      const { points, times, targets } = drawBatch(this.data, BATCH, this.random);
      const { loss, gradient } = lossAndGradient(this.network, points, times, targets);
      this.optimize(this.network.weights, gradient, RATE);
      mean += loss / steps;
    }
    this.updates += 1;
    this.losses.push(mean);
  }

  /** v at points `[count, 2]` at a time. @param {Float64Array | number[]} points @param {number} t */
  directions(points, t) {
    return predict(this.network, points, new Array(points.length / 2).fill(t)).v;
  }

  /** At most `most` means of the loss, each over the 20 updates before it: [updates, mean]. @param {number} most */
  curve(most) {
    const stretch = Math.max(1, Math.ceil(this.losses.length / most));
    const places = Array.from({ length: Math.ceil(this.losses.length / stretch) }, (_, place) => place * stretch);
    return places.map((place) => {
      const near = this.losses.slice(Math.max(0, place - 20), place + 1);
      return [place, near.reduce((sum, loss) => sum + loss) / near.length];
    });
  }
}

/** Points on their way from noise, at t = 1, to what the network makes of it, at t = 0. */
export class FlowPath {
  place = 0;
  noiseSeed = 100;
  #updates = 0; // how many the network had when this path began

  /** @param {FlowLearner} learner @param {number} steps  from noise to picture */
  constructor(learner, steps) {
    this.learner = learner;
    this.steps = steps;
    this.begin();
  }

  begin() {
    const { normal } = normalNumbers(this.noiseSeed);
    /** @type {Float64Array[]} points after each step; the last is the newest */
    this.path = [Float64Array.from({ length: 2 * FLOWING }, normal)];
    this.place = 0;
    this.#updates = this.learner.updates;
  }

  beginAnew() {
    this.noiseSeed += 1;
    this.begin();
  }

  get points() {
    return this.path[this.place];
  }

  get over() {
    return this.place >= this.steps;
  }

  /** Time of a step. @param {number} [place] */
  time(place = this.place) {
    return 1 - place / this.steps;
  }

  /** Goes to a step; where the network has changed, the points flow anew from the noise. @param {number} place */
  jump(place) {
    if (this.#updates !== this.learner.updates) {
      this.path.length = 1;
      this.#updates = this.learner.updates;
    }
    this.place = Math.min(Math.max(place, 0), this.steps);
    while (this.path.length <= this.place) this.#stepOn();
  }

  /** One step on, by the network as it is now. */
  advance() {
    this.path.length = this.place + 1;
    this.#stepOn();
    this.place += 1;
  }

  #stepOn() {
    const last = this.path.length - 1;
    this.path.push(flow(this.learner.network, this.path[last], this.time(last), this.time(last + 1)));
  }
}

/** How far points are from the nearest of `data`, on average. @param {Float64Array} points @param {Float64Array} data */
export function distanceTo(data, points) {
  let sum = 0;
  for (let at = 0; at < points.length; at += 2) {
    let least = Infinity;
    for (let to = 0; to < data.length; to += 2)
      least = Math.min(least, (points[at] - data[to]) ** 2 + (points[at + 1] - data[to + 1]) ** 2);
    sum += Math.sqrt(least);
  }
  return (2 * sum) / points.length;
}
