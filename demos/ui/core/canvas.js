// Drawing on canvases: device pixels, cells in colours, boxes.

import { role } from "./ramps.js";

/**
 * A context of a canvas for `width` x `height` CSS pixels, sharp on every screen, cleared and in its first state.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
export function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.globalAlpha = 1;
  context.setLineDash([]);
  return context;
}

/** @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  return context;
}

/** How canvases of cells are painted again when colours change. @type {Map<HTMLCanvasElement, () => void>} */
const painted = new Map();

if (typeof MutationObserver !== "undefined")
  onTheme(() => {
    for (const [canvas, paint] of painted) canvas.isConnected ? paint() : painted.delete(canvas);
  });

/**
 * One pixel a cell; style sheets make it large (`image-rendering: pixelated`).
 * @param {HTMLCanvasElement} canvas @param {number} rows @param {number} columns
 * @param {(index: number) => number[]} color  [red, green, blue] or with opacity 0 to 255, of a cell in row-major order
 */
export function paintCells(canvas, rows, columns, color) {
  painted.set(canvas, () => paintCells(canvas, rows, columns, color));
  [canvas.width, canvas.height] = [columns, rows];
  const pixels = new ImageData(columns, rows);
  for (let index = 0; index < rows * columns; index++) {
    const [red, green, blue, opacity = 255] = color(index);
    pixels.data.set([red, green, blue, opacity], 4 * index);
  }
  contextOf(canvas).putImageData(pixels, 0, 0);
}

/**
 * A scale of colours from left to right.
 * @param {HTMLCanvasElement} canvas @param {(share: number) => number[]} color
 */
export function paintScale(canvas, color) {
  paintCells(canvas, 1, 96, (index) => color(index / 95));
}

/**
 * Calls `draw(width)` when the width of `frame` changes, and once at first.
 * @param {Element} frame @param {(width: number) => void} draw
 */
export function onWidth(frame, draw) {
  let width = 0;
  new ResizeObserver(() => {
    if (!frame.clientWidth || frame.clientWidth === width) return;
    width = frame.clientWidth;
    draw(width);
  }).observe(frame);
}

/** @param {CanvasRenderingContext2D} context @param {number[]} corners shares of the picture @param {number} width @param {number} height */
export function strokeShares(context, [left, top, right, bottom], width, height) {
  context.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
}

/**
 * A box twice over, paper below ink, so that it is seen on any picture.
 * @param {CanvasRenderingContext2D} context @param {number[]} corners @param {number} width @param {number} height
 * @param {{ color: string, dash?: number[], thickness?: number, alpha?: number }} style
 */
export function strokeBox(context, corners, width, height, { color, dash = [], thickness = 2.5, alpha = 1 }) {
  context.save();
  context.globalAlpha = alpha;
  /** @type {[string, number, number[]][]} */
  const strokes = [
    [role("paper"), thickness + 2, []],
    [color, thickness, dash],
  ];
  for (const [ink, wide, pattern] of strokes) {
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.setLineDash(pattern);
    strokeShares(context, corners, width, height);
  }
  context.restore();
}

/** Calls `draw` when the page turns light or dark, as canvases keep their colours. @param {() => void} draw */
export function onTheme(draw) {
  new MutationObserver(() => draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
}

/** A text that is no wider than `width`, cut with an ellipsis. @param {CanvasRenderingContext2D} context @param {string} text @param {number} width */
export function fitText(context, text, width) {
  let short = text;
  while (short.length > 1 && context.measureText(short).width > width) short = `${short.slice(0, -2)}…`;
  return short;
}

/**
 * Calls `act` after what `node` shows has changed: at once where it is on the screen, or near it, else when it comes
 * there. Until then the node is marked `data-far`.
 * @param {Element} node @param {() => unknown} act
 * @param {number} [rest] milliseconds without a change after which it is called far from the screen too
 * @returns {{ refresh: () => unknown }} `refresh` says that it has changed
 */
export function onScreen(node, act, rest) {
  let [near, stale, waiting] = [false, false, 0];
  const now = () => {
    clearTimeout(waiting);
    stale = false;
    return act();
  };
  const refresh = () => {
    if (near) return now();
    stale = true;
    clearTimeout(waiting);
    if (rest) waiting = window.setTimeout(now, rest);
    return undefined;
  };
  const seen = new IntersectionObserver(
    (entries) => {
      near = entries[entries.length - 1].isIntersecting;
      node.toggleAttribute("data-far", !near);
      if (near && stale) now();
    },
    { rootMargin: "25%" },
  );
  seen.observe(node);
  return { refresh };
}
