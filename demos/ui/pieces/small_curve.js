// A small curve without axes: its highest and lowest value at the left, its ends below. For losses beside what is learned.

import { svg } from "../core/dom.js";

const [WIDTH, LEFT, RIGHT, TOP] = [260, 30, 6, 8];

/** @typedef {{ color: string, height: number, log?: boolean, ends?: [string, string] }} Look */

/**
 * Points in the curve's own pixels, and its range.
 * @param {number[][]} points  [x, y] with growing x, the first x at 0 or above
 * @param {number} height @param {boolean} log  logarithmic y
 */
export function layout(points, height, log) {
  const heights = points.map(([, y]) => (log ? Math.log10(Math.max(y, 1e-6)) : y));
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const last = points[points.length - 1][0] || 1;
  const room = height - 2 * TOP - (log ? TOP : 0);
  const placed = heights.map((y, place) => [
    LEFT + (points[place][0] / last) * (WIDTH - LEFT - RIGHT),
    TOP + ((high - y) / (high - low || 1)) * room,
  ]);
  return { placed, low: log ? 10 ** low : low, high: log ? 10 ** high : high };
}

/** @param {SVGElement} node @param {string} name @param {number[][]} points @param {Look} look */
export function drawCurve(node, name, points, { color, height, log = false, ends }) {
  node.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  node.replaceChildren();
  if (points.length < 2) return;
  const { placed, low, high } = layout(points, height, log);
  const line = placed.map((place) => place.map((value) => value.toFixed(1)).join(",")).join(" ");
  const bottom = height - (ends ? 14 : 10);
  node.append(
    svg("polyline", { points: line, fill: "none", stroke: `var(--gb-${color})`, "stroke-width": 1.5 }),
    svg("text", { x: 3, y: 13 }, high.toPrecision(3)),
    svg("text", { x: 3, y: bottom }, low.toPrecision(3)),
  );
  if (ends) {
    node.append(
      svg("text", { x: LEFT, y: height - 3 }, ends[0]),
      svg("text", { x: WIDTH - 4, y: height - 3, "text-anchor": "end" }, ends[1]),
    );
  }
  const [first, last] = [points[0][1], points[points.length - 1][1]];
  node.setAttribute("aria-label", `${name} from ${first.toPrecision(3)} to ${last.toPrecision(3)}`);
}
