// A network of two hidden layers that says in which direction noise flows, its gradient, and its optimiser: all of it.
// Flow matching (Lipman et al. 2023): x_t = (1 - t) x_0 + t ε, and the network learns v = ε - x_0 from x_t and t.

// Standard normal numbers from a seed (mulberry32 and Box-Muller), so that a training can be repeated.
/** @typedef {{ uniform: () => number, normal: () => number }} Random */

/** @param {number} seed @returns {Random} */
export function normalNumbers(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

// What the network sees of a point and a time: themselves, and waves of them, so that fine detail is near at hand.
const FEATURES = 13;

/** @param {number} x @param {number} y @param {number} t @param {Float64Array} into @param {number} at */
function features(x, y, t, into, at) {
  into[at] = x;
  into[at + 1] = y;
  into[at + 2] = 2 * t - 1;
  let place = at + 3;
  for (const value of [x / 2, x, y / 2, y, t]) {
    into[place++] = Math.sin(Math.PI * value);
    into[place++] = Math.cos(Math.PI * value);
  }
}

// One array holds all weights: W1 [hidden, FEATURES], b1, W2 [hidden, hidden], b2, W3 [2, hidden], b3.
/** @typedef {{ hidden: number, weights: Float64Array, starts: number[], classes: number }} Network  classes: how many it is told apart */

/** @param {number} hidden @param {number} seed @param {number} [classes] @returns {Network} */
export function createNetwork(hidden, seed, classes = 0) {
  const inputs = FEATURES + classes;
  const sizes = [hidden * inputs, hidden, hidden * hidden, hidden, 2 * hidden, 2];
  const ends = sizes.map((_, place) => sizes.slice(0, place + 1).reduce((sum, size) => sum + size));
  const weights = new Float64Array(ends[5]);
  const { normal } = normalNumbers(seed);
  for (let i = 0; i < ends[0]; i++) weights[i] = normal() / Math.sqrt(inputs);
  for (let i = ends[1]; i < ends[2]; i++) weights[i] = normal() / Math.sqrt(hidden);
  return { hidden, weights, classes, starts: [0, ...ends.slice(0, 5)] };
}

// out[i, o] = bias[o] + sum over k of weight[o, k] input[i, k]
/**
 * @param {Float64Array} weights @param {number} weightStart @param {number} biasStart @param {Float64Array} input
 * @param {number} count @param {number} from @param {number} to
 */
function linear(weights, weightStart, biasStart, input, count, from, to) {
  const output = new Float64Array(count * to);
  for (let i = 0; i < count; i++) {
    for (let o = 0; o < to; o++) {
      let sum = weights[biasStart + o];
      for (let k = 0; k < from; k++) sum += weights[weightStart + o * from + k] * input[i * from + k];
      output[i * to + o] = sum;
    }
  }
  return output;
}

// v [count, 2] at points [count, 2] and times [count], for classes [count] (-1: none); `layers` are kept for the way back.
/**
 * @param {Network} network @param {Float64Array | number[]} points @param {Float64Array | number[]} times
 * @param {Int8Array | null} [told]
 */
export function predict({ hidden, weights, classes, starts: [W1, b1, W2, b2, W3, b3] }, points, times, told = null) {
  const count = times.length;
  const inputs = FEATURES + classes;
  const input = new Float64Array(count * inputs);
  for (let i = 0; i < count; i++) {
    features(points[2 * i], points[2 * i + 1], times[i], input, i * inputs);
    if (told && told[i] >= 0) input[i * inputs + FEATURES + told[i]] = 1;
  }
  const first = linear(weights, W1, b1, input, count, inputs, hidden).map(Math.tanh);
  const second = linear(weights, W2, b2, first, count, hidden, hidden).map(Math.tanh);
  return { v: linear(weights, W3, b3, second, count, hidden, 2), layers: [input, first, second] };
}

// The way back through `linear`: adds to the gradients of weight and bias, returns that of the input.
/**
 * @param {Float64Array} weights @param {Float64Array} gradient @param {number} weightStart @param {number} biasStart
 * @param {Float64Array} input @param {Float64Array} outer @param {number} count @param {number} from @param {number} to
 */
function linearBackward(weights, gradient, weightStart, biasStart, input, outer, count, from, to) {
  const inner = new Float64Array(count * from);
  for (let i = 0; i < count; i++) {
    for (let o = 0; o < to; o++) {
      const g = outer[i * to + o];
      gradient[biasStart + o] += g;
      for (let k = 0; k < from; k++) {
        gradient[weightStart + o * from + k] += g * input[i * from + k];
        inner[i * from + k] += g * weights[weightStart + o * from + k];
      }
    }
  }
  return inner;
}

// The mean of (v - target)², and its derivative by every weight.
/**
 * @param {Network} network @param {Float64Array} points @param {Float64Array} times @param {Float64Array} targets
 * @param {Int8Array | null} [told]
 */
export function lossAndGradient(network, points, times, targets, told = null) {
  const {
    hidden,
    classes,
    weights,
    starts: [W1, b1, W2, b2, W3, b3],
  } = network;
  const {
    v,
    layers: [input, first, second],
  } = predict(network, points, times, told);
  const gradient = new Float64Array(weights.length);
  const count = times.length;
  let loss = 0;
  const outer = v.map((value, i) => {
    loss += (value - targets[i]) ** 2 / v.length;
    return (2 * (value - targets[i])) / v.length;
  });
  /** @param {Float64Array} inner @param {Float64Array} layer */
  const throughTanh = (inner, layer) => inner.map((g, i) => g * (1 - layer[i] ** 2));
  const atSecond = linearBackward(weights, gradient, W3, b3, second, outer, count, hidden, 2);
  const atFirst = linearBackward(
    weights,
    gradient,
    W2,
    b2,
    first,
    throughTanh(atSecond, second),
    count,
    hidden,
    hidden,
  );
  linearBackward(weights, gradient, W1, b1, input, throughTanh(atFirst, first), count, FEATURES + classes, hidden);
  return { loss, gradient };
}

// Adam (Kingma and Ba 2015).
/**
 * @param {number} length
 * @returns {(weights: Float64Array, gradient: Float64Array, rate: number) => void} moves the weights once
 */
export function createOptimizer(length) {
  const [mean, square] = [new Float64Array(length), new Float64Array(length)];
  let step = 0;
  return (weights, gradient, rate) => {
    step += 1;
    const [meanScale, squareScale] = [1 - 0.9 ** step, 1 - 0.99 ** step];
    for (let i = 0; i < length; i++) {
      mean[i] = 0.9 * mean[i] + 0.1 * gradient[i];
      square[i] = 0.99 * square[i] + 0.01 * gradient[i] ** 2;
      weights[i] -= (rate * (mean[i] / meanScale)) / (Math.sqrt(square[i] / squareScale) + 1e-8);
    }
  };
}

// A batch of the training: points of the data set, noise, times, their mixtures and what should be said of them.
/** @param {Float64Array} data @param {number} size @param {Random} random */
export function drawBatch(data, size, random) {
  const [points, times, targets] = [new Float64Array(2 * size), new Float64Array(size), new Float64Array(2 * size)];
  for (let i = 0; i < size; i++) {
    const [which, t] = [Math.floor(random.uniform() * (data.length / 2)), random.uniform()];
    times[i] = t;
    for (let axis = 0; axis < 2; axis++) {
      const [x0, epsilon] = [data[2 * which + axis], random.normal()];
      points[2 * i + axis] = (1 - t) * x0 + t * epsilon;
      targets[2 * i + axis] = epsilon - x0;
    }
  }
  return { points, times, targets };
}

// Euler's method: points of time `t` one step on, at time `next`.
/** @param {Network} network @param {Float64Array} points @param {number} t @param {number} next */
export function flow(network, points, t, next) {
  const { v } = predict(network, points, new Float64Array(points.length / 2).fill(t));
  return points.map((value, i) => value + (next - t) * v[i]);
}
