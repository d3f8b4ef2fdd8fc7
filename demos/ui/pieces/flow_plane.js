// The plane of the toy, from -EDGE to EDGE both ways: points, arrows of the field, paths.

import { fit } from "../core/canvas.js";
import { role } from "../core/ramps.js";
import { EDGE } from "./flow_shapes.js";

const ARROWS = 21;
const GRID = Array.from({ length: ARROWS }, (_, place) => EDGE * ((2 * place + 1) / ARROWS - 1));
const PLACES = Float64Array.from(GRID.flatMap((y) => GRID.flatMap((x) => [x, y])));

/** @typedef {{ context: CanvasRenderingContext2D, side: number, x: (value: number) => number, y: (value: number) => number }} Paint */

/** @param {HTMLCanvasElement} canvas @returns {Paint | null} null while it has no width */
function paintOf(canvas) {
  const side = canvas.clientWidth;
  if (!side) return null;
  const x = (/** @type {number} */ value) => ((value + EDGE) / (2 * EDGE)) * side;
  return { context: fit(canvas, side, side), side, x, y: (/** @type {number} */ value) => side - x(value) };
}

/**
 * Points at the end of their way, and the way itself; of two classes in two colours.
 * @param {HTMLCanvasElement} canvas @param {Float64Array} data @param {Float64Array[]} way
 * @param {{ told?: Int8Array }} [more]
 */
export function drawWay(canvas, data, way, { told } = {}) {
  const paint = paintOf(canvas);
  if (!paint) return;
  dots(paint, data, "input", 1.3, 0.45);
  if (way.length > 1) paths(paint, way);
  const points = way[way.length - 1];
  if (!told) return dots(paint, points, way.length > 1 ? "prediction" : "noise", 2.3, 0.9);
  for (const [number, name] of ["query", "value"].entries()) {
    const chosen = points.filter((_, at) => told[Math.floor(at / 2)] === number);
    dots(paint, chosen, name, 2.3, 0.9);
  }
}

/**
 * @param {HTMLCanvasElement} canvas @param {import("./flow_learner.js").FlowLearner} learner
 * @param {import("./flow_learner.js").FlowPath} path @param {boolean} withPaths
 */
export function drawPlane(canvas, learner, path, withPaths) {
  const paint = paintOf(canvas);
  if (!paint) return;
  dots(paint, learner.data, "input", 1.3, 0.45);
  arrows(paint, learner.directions(PLACES, path.time()));
  if (withPaths) paths(paint, path.path.slice(0, path.place + 1));
  dots(paint, path.points, path.place ? "prediction" : "noise", 2.3, 0.9);
}

/** @param {Paint} paint @param {Float64Array} points @param {string} name @param {number} radius @param {number} alpha */
function dots({ context, x, y }, points, name, radius, alpha) {
  context.fillStyle = role(name);
  context.globalAlpha = alpha;
  for (let place = 0; place < points.length; place += 2) {
    context.beginPath();
    context.arc(x(points[place]), y(points[place + 1]), radius, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** @param {Paint} paint @param {Float64Array} v at `PLACES` */
function arrows({ context, side, x, y }, v) {
  const cell = side / ARROWS;
  context.strokeStyle = role("memory");
  context.globalAlpha = 0.75;
  context.lineWidth = 1;
  for (let place = 0; place < v.length; place += 2) {
    const [dx, dy] = [-v[place], v[place + 1]]; // against v is towards the picture; y grows downwards on the screen
    const speed = Math.hypot(dx, dy);
    const reach = (0.85 * cell * Math.min(1, speed / 3)) / (speed || 1);
    const [atX, atY] = [x(PLACES[place]), y(PLACES[place + 1])];
    const [toX, toY] = [atX + 0.5 * dx * reach, atY + 0.5 * dy * reach];
    context.beginPath();
    context.moveTo(atX - 0.5 * dx * reach, atY - 0.5 * dy * reach);
    context.lineTo(toX, toY);
    for (const turn of [2.6, -2.6]) {
      const angle = Math.atan2(dy, dx) + turn;
      context.moveTo(toX, toY);
      context.lineTo(toX + 3 * Math.cos(angle), toY + 3 * Math.sin(angle));
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** @param {Paint} paint @param {Float64Array[]} path */
function paths({ context, x, y }, path) {
  context.strokeStyle = role("prediction");
  context.globalAlpha = 0.25;
  for (let place = 0; place < path[0].length; place += 2) {
    context.beginPath();
    for (const points of path) context.lineTo(x(points[place]), y(points[place + 1]));
    context.stroke();
  }
  context.globalAlpha = 1;
}
