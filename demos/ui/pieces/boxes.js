// Boxes on a picture. Coordinates are shares of the picture, 0 to 1; `box` is [left, top, right, bottom].

import { strokeShares } from "../core/canvas.js";
import { clamp } from "../core/keys.js";
import { role } from "../core/ramps.js";
import { shared } from "../core/shared.js";

/** @typedef {{ box: number[], label: string, score: number, id?: number | null }} Found */

const LABEL_HEIGHT = 18;

/** The least score of a box that is shown. @returns {number} */
export const threshold = () => shared("threshold") ?? 0.5;

/** @template {{ score: number }} Box @param {Box[]} boxes */
export const above = (boxes) => boxes.filter(({ score }) => score > threshold());

/** Corners of a box that is given by its centre and size. @param {ArrayLike<number>} box */
export const cornersOf = ({ 0: x, 1: y, 2: width, 3: height }) => [
  x - width / 2,
  y - height / 2,
  x + width / 2,
  y + height / 2,
];

/** The box between two places. @param {number[]} one @param {number[]} other */
export const between = ([x, y], [u, v]) => [Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)];

/** Where a pointer is on a node, inside of it. @param {MouseEvent} event @param {Element} node */
export function placeOf(event, node) {
  const frame = node.getBoundingClientRect();
  return [
    clamp((event.clientX - frame.left) / frame.width, 0, 1),
    clamp((event.clientY - frame.top) / frame.height, 0, 1),
  ];
}

/**
 * The smallest box that holds a place.
 * @template {{ box: number[] }} Box @param {Box[]} boxes @param {number} x @param {number} y @returns {Box | undefined}
 */
export function smallestAt(boxes, x, y) {
  /** @param {Box} box */
  const area = ({ box: [left, top, right, bottom] }) => (right - left) * (bottom - top);
  return boxes
    .filter(({ box: [left, top, right, bottom] }) => x >= left && x <= right && y >= top && y <= bottom)
    .sort((one, other) => area(one) - area(other))[0];
}

/**
 * Boxes with label and score, the best on top.
 * @param {CanvasRenderingContext2D} context @param {Found[]} boxes @param {number} width @param {number} height
 */
export function paintBoxes(context, boxes, width, height) {
  const [ink, paper] = [role("prediction"), role("paper")];
  const size = width < 420 ? 12 : 13;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const { box, label, score, id } of [...boxes].reverse()) {
    outline(context, box, width, height, [
      [paper, 5],
      [ink, 2.5],
    ]);
    const text = `${id == null ? "" : `#${id} `}${label} ${score.toFixed(2)}`;
    const room = context.measureText(text).width + size * 0.8;
    const x = clamp(box[0] * width, 0, Math.max(0, width - room));
    const y = Math.max(0, box[1] * height - size * 1.5);
    context.fillStyle = ink;
    context.fillRect(x, y, room, size * 1.5);
    context.fillStyle = paper;
    context.fillText(text, x + size * 0.4, y + size * 0.8);
  }
}

/**
 * The sides of a box, one stroke over the other.
 * @param {CanvasRenderingContext2D} context @param {number[]} box @param {number} width @param {number} height
 * @param {[string, number][]} strokes  colour and thickness, the lowest first
 */
export function outline(context, box, width, height, strokes) {
  for (const [color, thickness] of strokes) {
    [context.strokeStyle, context.lineWidth] = [color, thickness];
    strokeShares(context, box, width, height);
  }
}

/**
 * A word on a coloured ground, kept inside of the canvas.
 * @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {string} color
 * @param {string} [ink]
 */
export function writeOn(context, text, x, y, color, ink = role("paper")) {
  context.save();
  context.font = "600 12px system-ui, sans-serif";
  context.textBaseline = "middle";
  const { clientWidth, clientHeight } = context.canvas;
  const room = context.measureText(text).width + 8;
  const left = clamp(x, 0, Math.max(0, clientWidth - room));
  const top = clamp(y, 0, Math.max(0, clientHeight - LABEL_HEIGHT));
  context.fillStyle = color;
  context.fillRect(left, top, room, LABEL_HEIGHT);
  context.fillStyle = ink;
  context.fillText(text, left + 4, top + 9.5);
  context.restore();
}
